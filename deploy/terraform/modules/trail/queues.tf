# An event that is lost costs nothing but time, since jobs find what it was about. So the queues are not protected.

resource "aws_sqs_queue" "trail" {
  name                       = "${var.name}-trail"
  visibility_timeout_seconds = var.trail_queue_visibility
  message_retention_seconds  = 604800

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = 1000
  })
}

# Also for events that the rule cannot deliver. Workers make dead letters of what it holds.
resource "aws_sqs_queue" "dead_letter" {
  name                       = "${var.name}-trail-dlq"
  visibility_timeout_seconds = var.trail_queue_visibility
  message_retention_seconds  = 1209600
}

resource "aws_sqs_queue_policy" "trail" {
  queue_url = aws_sqs_queue.trail.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TrailRule"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.trail.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.trail.arn } }
    }]
  })
}

resource "aws_sqs_queue_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TrailRule"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.dead_letter.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.trail.arn } }
    }]
  })
}
