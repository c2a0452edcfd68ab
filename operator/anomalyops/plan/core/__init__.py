"""What planning is made of, whatever kind of server object is planned: steps, plans, field classes, differences."""
