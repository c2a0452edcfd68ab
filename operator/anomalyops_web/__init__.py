"""What every web server of this project has in common."""
