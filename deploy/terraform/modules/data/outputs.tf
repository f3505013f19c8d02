output "name" {
  description = "The beginning of all names. Resources that use it are created after tables, queues and topics, and destroyed before them."
  value       = var.name

  depends_on = [aws_dynamodb_table.primary]
}

output "kms_key_arn" {
  description = "The KMS key from which the values of API keys follow."
  value       = local.key_arn
}

output "marketplace_queue_arn" {
  description = "The queue for notices of AWS Marketplace."
  # The module marketplace must know the account of this queue before it exists.
  value = "arn:${data.aws_partition.here.partition}:sqs:${data.aws_region.here.name}:${data.aws_caller_identity.here.account_id}:${var.name}-marketplace"

  depends_on = [aws_sqs_queue.main]
}

output "feedback_topic_arn" {
  description = "The topic of what people tell the operator."
  value       = aws_sns_topic.feedback.arn
}
