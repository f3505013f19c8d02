data "aws_caller_identity" "here" {}

data "aws_region" "here" {}

locals {
  account        = data.aws_caller_identity.here.account_id
  portal_account = split(":", var.marketplace_queue_arn)[4]
  same_account   = local.portal_account == local.account

  # AWS's own topics of an older listing.
  listing_topics = merge(
    var.subscription_topic_arn == "" ? {} : { subscriptions = var.subscription_topic_arn },
    var.entitlement_topic_arn == "" ? {} : { entitlements = var.entitlement_topic_arn },
  )
  topics = concat([aws_sns_topic.notices.arn], [for kind in ["subscriptions", "entitlements"] : local.listing_topics[kind] if contains(keys(local.listing_topics), kind)])
}

# EventBridge gives up after a day, and SNS after 23 days. So the rule's target is a topic of the same Region, and the
# topic brings the event to the queue.
resource "aws_cloudwatch_event_rule" "notices" {
  name        = "${var.name}-marketplace-notices"
  description = "Notices of AWS Marketplace about agreements and licences, and test notices"

  event_pattern = jsonencode({
    source = ["aws.agreement-marketplace", "gatehouse.marketplace-test"]
    detail-type = [
      "Purchase Agreement Created - Proposer",
      "Purchase Agreement Created - Manufacturer",
      "Purchase Agreement Amended - Proposer",
      "Purchase Agreement Amended - Manufacturer",
      "Purchase Agreement Ended - Proposer",
      "Purchase Agreement Ended - Manufacturer",
      "License Updated - Manufacturer",
      "License Deprovisioned - Manufacturer",
      "Gatehouse Test Notice",
    ]
  })

  lifecycle {
    precondition {
      condition     = data.aws_region.here.name == "us-east-1"
      error_message = "AWS Marketplace sends its notices in us-east-1 only. Give this module a provider of that Region."
    }
  }
}

resource "aws_cloudwatch_event_target" "topic" {
  rule      = aws_cloudwatch_event_rule.notices.name
  target_id = "topic"
  arn       = aws_sns_topic.notices.arn

  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }

  depends_on = [aws_sns_topic_policy.notices, aws_sqs_queue_policy.undelivered]
}

resource "aws_sns_topic" "notices" {
  name = "${var.name}-marketplace-notices"
}

resource "aws_sns_topic_policy" "notices" {
  arn = aws_sns_topic.notices.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "Rule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notices.arn
        Condition = {
          ArnEquals    = { "aws:SourceArn" = aws_cloudwatch_event_rule.notices.arn }
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      }],
      # A subscription that the queue's owner makes needs no confirmation.
      [for account in local.same_account ? [] : [local.portal_account] : {
        Sid       = "PortalAccount"
        Effect    = "Allow"
        Principal = { AWS = account }
        Action    = "sns:Subscribe"
        Resource  = aws_sns_topic.notices.arn
        Condition = { StringEquals = { "sns:Protocol" = "sqs", "sns:Endpoint" = var.marketplace_queue_arn } }
      }],
    )
  })
}

# Not raw: the worker reads from the envelope which topic a notice came through.
resource "aws_sns_topic_subscription" "notices" {
  count = local.same_account ? 1 : 0

  topic_arn      = aws_sns_topic.notices.arn
  protocol       = "sqs"
  endpoint       = var.marketplace_queue_arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.undelivered.arn })

  depends_on = [aws_sqs_queue_policy.undelivered]
}

resource "aws_sns_topic_subscription" "listing" {
  for_each = local.listing_topics

  topic_arn      = each.value
  protocol       = "sqs"
  endpoint       = var.marketplace_queue_arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.undelivered.arn })

  depends_on = [aws_sqs_queue_policy.undelivered]
}
