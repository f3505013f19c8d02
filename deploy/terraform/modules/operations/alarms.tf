# Alarms. docs/runbook.md says what to do about each, and their names end as there.

locals {
  alarms = {
    CommandsWait = {
      description = "A request is older than five minutes: there are too few workers, or its messages fail again and again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = "${var.name}-commands.fifo" }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 300
      missing     = "notBreaching"
    }

    ProjectionsWait = {
      description = "A fact has not been shown for five minutes: there are too few workers, or its messages fail again and again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = "${var.name}-projections.fifo" }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 300
      missing     = "notBreaching"
    }

    ProvisioningWaits = {
      description = "A change has waited an hour for API Gateway: the share of the quotas is too small for the rush, or API Gateway refuses."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = "${var.name}-provisioning" }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 3600
      missing     = "notBreaching"
    }

    NoticesWait = {
      description = "Somebody has not been told something for an hour."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = "${var.name}-notices.fifo" }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 3600
      missing     = "notBreaching"
    }

    MarketplaceWaits = {
      description = "A notice of AWS Marketplace has waited for ten minutes: a buyer may have no access yet, or still have it."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = "${var.name}-marketplace" }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 600
      missing     = "notBreaching"
    }

    NoTicks = {
      description = "No job has run for ten minutes: no worker is running, or none can reach the queues."
      namespace   = "AWS/SQS"
      metric      = "NumberOfMessagesDeleted"
      dimensions  = { QueueName = "${var.name}-jobs.fifo" }
      statistic   = "Sum"
      period      = 60
      periods     = 10
      comparison  = "LessThanThreshold"
      threshold   = 1
      missing     = "breaching"
    }

    DeadLetterWritten = {
      description = "A message became a dead letter, so a request may have failed: gatehouse dlq list."
      namespace   = local.namespace
      metric      = "DeadLetters"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      missing     = "notBreaching"
    }

    KeysCannotBeMade = {
      description = "The KMS key cannot be used. Nobody gets an API key until you act."
      namespace   = local.namespace
      metric      = "KeysUnusable"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      missing     = "notBreaching"
    }

    PortalFails = {
      description = "The portal has logged five errors in five minutes."
      namespace   = local.namespace
      metric      = "PortalErrors"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 5
      missing     = "notBreaching"
    }

    WorkersFail = {
      description = "Workers have logged five errors in five minutes."
      namespace   = local.namespace
      metric      = "WorkerErrors"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 5
      missing     = "notBreaching"
    }

    AWSThrottles = {
      description = "API Gateway throttles the workers: the share of the quotas is larger than what others leave."
      namespace   = local.namespace
      metric      = "ControlPlaneThrottled"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 10
      missing     = "notBreaching"
    }

    KeysRunOut = {
      description = "API Gateway holds 9,500 keys of at most 10,000 in an AWS account and Region: soon nobody new gets a key."
      namespace   = local.namespace
      metric      = "KeysHeld"
      dimensions  = { Process = "worker" }
      statistic   = "Maximum"
      period      = 3600
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 9500
      missing     = "notBreaching"
    }

    DueRowsWait = {
      description = "Something that was due a quarter of an hour ago has not happened: the job due fails, or only newer workers know the row."
      namespace   = local.namespace
      metric      = "DueRowLate"
      dimensions  = { Process = "worker" }
      statistic   = "Maximum"
      period      = 300
      periods     = 3
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 900
      missing     = "notBreaching"
    }

    MeteringWaits = {
      description = "Usage has waited three hours for AWS Marketplace, which takes it for six: it may never be billed."
      namespace   = local.namespace
      metric      = "MeteringLate"
      dimensions  = { Process = "worker" }
      statistic   = "Maximum"
      period      = 900
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 10800
      missing     = "notBreaching"
    }
  }

  function_alarms = var.worker_function_name == "" ? {} : {
    FunctionFails = {
      description = "Five invocations of the worker failed in five minutes: it does not start, or AWS Lambda stopped it."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = var.worker_function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 5
      missing     = "notBreaching"
    }

    FunctionThrottled = {
      description = "AWS Lambda had no room for the worker for a quarter of an hour: have the AWS account's concurrent executions raised, or lower MaxConcurrency."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = var.worker_function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 3
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      missing     = "notBreaching"
    }
  }

  trail_alarms = var.trail == "off" ? {} : {
    TrailWaits = {
      description = "An event about a change in API Gateway has waited for an hour, so workers notice such changes late: there are too few workers, or its messages fail again and again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = "${var.name}-trail" }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 3600
      missing     = "notBreaching"
    }
  }

  http_api_alarms = length(var.http_api_ids) == 0 ? {} : {
    HttpApiErrors = {
      description = "Five requests in five minutes were answered with 5xx, by the portal or by the HTTP API."
      namespace   = "AWS/ApiGateway"
      metric      = "5xx"
      dimensions  = { ApiId = var.http_api_ids[0] }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 5
      missing     = "notBreaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "metrics" {
  for_each = merge(local.alarms, local.function_alarms, local.trail_alarms, local.http_api_alarms)

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "dead_letter_queues" {
  alarm_name          = "${var.name}-DeadLetterQueuesFill"
  alarm_description   = "A dead-letter queue has not been empty for ten minutes: no worker is running."
  evaluation_periods  = 10
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "all"
    expression  = "SUM(METRICS())"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = merge({
      commands     = "${var.name}-commands-dlq.fifo"
      provisioning = "${var.name}-provisioning-dlq"
      projections  = "${var.name}-projections-dlq.fifo"
      jobs         = "${var.name}-jobs-dlq.fifo"
      notices      = "${var.name}-notices-dlq.fifo"
      deliveries   = "${var.name}-deliveries-dlq"
      marketplace  = "${var.name}-marketplace-dlq"
    }, var.trail == "off" ? {} : { trail = "${var.name}-trail-dlq" })

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/SQS"
        metric_name = "ApproximateNumberOfMessagesVisible"
        stat        = "Maximum"
        period      = 60
        dimensions  = { QueueName = metric_query.value }
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "load_balancer" {
  count = length(var.load_balancer_names)

  alarm_name          = "${var.name}-LoadBalancerErrors"
  alarm_description   = "Five requests in five minutes were answered with 5xx, by the portal or by the load balancer."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "all"
    expression  = "FILL(portal, 0) + FILL(balancer, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      portal   = "HTTPCode_Target_5XX_Count"
      balancer = "HTTPCode_ELB_5XX_Count"
    }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 300
        dimensions  = { LoadBalancer = var.load_balancer_names[count.index] }
      }
    }
  }
}
