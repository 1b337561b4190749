"""What the app tells of itself: traces, metrics and logs, to Application Insights where one is configured."""
