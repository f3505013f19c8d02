output "alarms_topic_arn" {
  description = "The topic that alarms are sent to. Subscribe others to it."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard" {
  description = "The name of the dashboard in CloudWatch."
  value       = aws_cloudwatch_dashboard.portal.dashboard_name
}
