# Changes made directly in API Gateway: a rule that sends AWS CloudTrail's records of them to a queue of the workers. A
# trail of AWS CloudTrail must record management events in this Region; this module makes none.

# Users have no session, so the rule also lets calls through that name no role. AWS sends no records of reads.
resource "aws_cloudwatch_event_rule" "trail" {
  name        = "${var.name}-trail"
  description = "Tells the workers of ${var.name} of changes in API Gateway"

  event_pattern = jsonencode({
    source      = ["aws.apigateway"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = merge(
      {
        eventSource = ["apigateway.amazonaws.com"]
        eventName = [
          "CreateApiKey",
          "UpdateApiKey",
          "DeleteApiKey",
          "CreateUsagePlanKey",
          "DeleteUsagePlanKey",
          "CreateUsagePlan",
          "UpdateUsagePlan",
          "DeleteUsagePlan",
          "TagResource",
          "UntagResource",
          "UpdateRestApi",
          "DeleteRestApi",
          "CreateStage",
          "UpdateStage",
          "DeleteStage",
          "CreateDeployment",
          "CreateBasePathMapping",
          "UpdateBasePathMapping",
          "DeleteBasePathMapping",
          "DeleteDomainName",
        ]
      },
      var.worker_roles == "" ? {} : {
        userIdentity = {
          sessionContext = {
            sessionIssuer = {
              userName = [{ anything-but = { prefix = var.worker_roles } }, { exists = false }]
            }
          }
        }
      },
    )
  })
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.trail.name
  target_id = "queue"
  arn       = aws_sqs_queue.trail.arn

  retry_policy {
    maximum_retry_attempts       = 185
    maximum_event_age_in_seconds = 86400
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }

  depends_on = [aws_sqs_queue_policy.trail, aws_sqs_queue_policy.dead_letter]
}
