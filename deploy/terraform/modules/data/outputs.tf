output "name" {
  description = "The beginning of all names."
  value       = var.name
}

output "kms_key_arn" {
  description = "The KMS key from which the values of API keys follow."
  value       = local.key_arn
}

output "marketplace_queue_arn" {
  description = "The queue for notices of AWS Marketplace."
  value       = aws_sqs_queue.main["marketplace"].arn
}

output "feedback_topic_arn" {
  description = "The topic of what people tell the operator."
  value       = aws_sns_topic.feedback.arn
}
