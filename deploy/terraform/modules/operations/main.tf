data "aws_region" "here" {}

locals {
  region    = data.aws_region.here.name
  namespace = "Gatehouse/${var.name}"
}

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "alarm_email" {
  count = var.alarm_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# Metrics of our own: five from the JSON lines of the logs. Workers write five more (variable metrics).
resource "aws_cloudwatch_log_metric_filter" "logs" {
  for_each = {
    PortalErrors          = { group = var.portal_log_group, pattern = "{ $.level = \"error\" }" }
    WorkerErrors          = { group = var.worker_log_group, pattern = "{ $.level = \"error\" }" }
    DeadLetters           = { group = var.worker_log_group, pattern = "{ $.outcome = \"buried\" || $.outcome = \"kept\" }" }
    ControlPlaneThrottled = { group = var.worker_log_group, pattern = "{ $.message = \"control plane call failed\" && $.outcome = \"throttled\" }" }
    KeysUnusable          = { group = var.worker_log_group, pattern = "{ $.reason = \"kms_key\" }" }
  }

  name           = "${var.name}-${each.key}"
  log_group_name = each.value.group
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.namespace
    name          = each.key
    value         = "1"
    default_value = "0"
  }
}
