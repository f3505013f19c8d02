resource "aws_sns_topic" "events" {
  name         = "events"
  display_name = var.edition
  tags         = { edition = var.edition }
}

resource "aws_sns_topic" "facts" {
  name                        = "facts.fifo"
  fifo_topic                  = true
  content_based_deduplication = local.second
}

resource "aws_sns_topic_subscription" "events" {
  topic_arn            = aws_sns_topic.events.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.events.arn
  raw_message_delivery = local.second
  filter_policy_scope  = "MessageAttributes"
  filter_policy        = jsonencode({ type = local.second ? ["a", "b"] : ["a"] })
}

resource "aws_sns_topic_subscription" "facts" {
  topic_arn            = aws_sns_topic.facts.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.commands.arn
  raw_message_delivery = true
}
