"""What jobs and datafeeds are told: reading, checking and showing their configurations as Elasticsearch does."""
