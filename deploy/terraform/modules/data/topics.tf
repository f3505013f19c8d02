resource "aws_sns_topic" "events" {
  name                        = "${var.name}-events.fifo"
  fifo_topic                  = true
  content_based_deduplication = false
  fifo_throughput_scope       = "MessageGroup"
}

resource "aws_sns_topic_subscription" "events" {
  for_each = aws_sqs_queue_policy.events

  topic_arn            = aws_sns_topic.events.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.main[each.key].arn
  raw_message_delivery = true
}

# What people tell the operator. Subscribe an e-mail address to it.
resource "aws_sns_topic" "feedback" {
  name = "${var.name}-feedback"
}
