# A message that waits for API Gateway's quotas is received again and again, so the limit of receives is high. A message
# keeps its age when SQS moves it from a standard queue, so its dead-letter queue keeps it longer.
locals {
  week      = 604800
  fortnight = 1209600

  queues = {
    commands     = { fifo = true }
    provisioning = { fifo = false }
    projections  = { fifo = true }
    jobs         = { fifo = true }
    notices      = { fifo = true }
    deliveries   = { fifo = false }
    marketplace  = { fifo = false }
  }
}

resource "aws_sqs_queue" "dead_letter" {
  for_each = local.queues

  name                       = "${var.name}-${each.key}-dlq${each.value.fifo ? ".fifo" : ""}"
  fifo_queue                 = each.value.fifo
  deduplication_scope        = each.value.fifo ? "messageGroup" : null
  fifo_throughput_limit      = each.value.fifo ? "perMessageGroupId" : null
  visibility_timeout_seconds = var.queue_visibility
  message_retention_seconds  = local.fortnight
}

resource "aws_sqs_queue" "main" {
  for_each = local.queues

  name                       = "${var.name}-${each.key}${each.value.fifo ? ".fifo" : ""}"
  fifo_queue                 = each.value.fifo
  deduplication_scope        = each.value.fifo ? "messageGroup" : null
  fifo_throughput_limit      = each.value.fifo ? "perMessageGroupId" : null
  visibility_timeout_seconds = var.queue_visibility
  message_retention_seconds  = each.value.fifo ? local.fortnight : local.week

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.key].arn
    maxReceiveCount     = 1000
  })
}

# The queues that get facts.
resource "aws_sqs_queue_policy" "events" {
  for_each = toset(["projections", "notices"])

  queue_url = aws_sqs_queue.main[each.key].url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventsTopic"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.main[each.key].arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.events.arn } }
    }]
  })
}

resource "aws_sqs_queue_policy" "marketplace" {
  count = local.sells ? 1 : 0

  queue_url = aws_sqs_queue.main["marketplace"].url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      length(var.marketplace_topics) == 0 ? [] : [{
        Sid       = "MarketplaceTopics"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.main["marketplace"].arn
        Condition = { ArnEquals = { "aws:SourceArn" = var.marketplace_topics } }
      }],
      length(var.marketplace_accounts) == 0 ? [] : [{
        Sid       = "MarketplaceEvents"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.main["marketplace"].arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.marketplace_accounts } }
      }],
    )
  })
}
