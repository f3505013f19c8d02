output "topic_to_subscribe" {
  description = "The topic to which the portal's AWS account must subscribe its queue. Empty if the portal is in this AWS account."
  value       = local.same_account ? "" : aws_sns_topic.notices.arn
}

output "marketplace_topics" {
  description = "The topics whose notices the portal must take, for the module data and for containers or lambda."
  value       = local.topics
}

output "marketplace_accounts" {
  description = "The AWS account whose event bus sends notices, for the module data and for containers or lambda."
  value       = [local.account]
}

output "dead_letter_queue_name" {
  description = "The queue of notices that could not be delivered."
  value       = aws_sqs_queue.undelivered.name
}
