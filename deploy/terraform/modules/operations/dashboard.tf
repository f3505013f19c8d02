locals {
  trail       = var.trail == "off" ? [] : ["trail"]
  queues      = concat(["commands.fifo", "provisioning", "projections.fifo", "jobs.fifo", "notices.fifo", "deliveries", "marketplace"], local.trail)
  dead_letter = concat(["commands-dlq.fifo", "provisioning-dlq", "projections-dlq.fifo", "jobs-dlq.fifo", "notices-dlq.fifo", "deliveries-dlq", "marketplace-dlq"], [for queue in local.trail : "${queue}-dlq"])

  # Each chart has the width of half the dashboard.
  charts = concat(
    [
      {
        x       = 0, y = 0, title = "Age of the oldest message, in seconds", stat = "Maximum", period = 60
        metrics = [for queue in local.queues : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${var.name}-${queue}"]]
      },
      {
        x       = 12, y = 0, title = "Messages handled", stat = "Sum", period = 60
        metrics = [for queue in local.queues : ["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "${var.name}-${queue}"]]
      },
      {
        x       = 0, y = 6, title = "Messages in dead-letter queues", stat = "Maximum", period = 60
        metrics = [for queue in local.dead_letter : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-${queue}"]]
      },
      {
        x       = 12, y = 6, title = "Errors", stat = "Sum", period = 60
        metrics = [for metric in ["PortalErrors", "WorkerErrors", "DeadLetters", "ControlPlaneThrottled", "KeysUnusable"] : [local.namespace, metric]]
      },
      {
        x = 0, y = 12, title = "Requests to DynamoDB throttled", stat = "Sum", period = 60
        metrics = [
          ["AWS/DynamoDB", "ThrottledRequests", "TableName", "${var.name}-journal", "Operation", "TransactWriteItems"],
          ["AWS/DynamoDB", "ThrottledRequests", "TableName", "${var.name}-records", "Operation", "UpdateItem"],
          ["AWS/DynamoDB", "ThrottledRequests", "TableName", "${var.name}-views", "Operation", "TransactWriteItems"],
        ]
      },
      {
        x       = 0, y = 18, title = "What is late, in seconds", stat = "Maximum", period = 60
        metrics = [for metric in ["FactShownAfter", "DueRowLate", "MeteringLate"] : [local.namespace, metric, "Process", "worker"]]
      },
      {
        x = 12, y = 18, title = "API keys, and accounts that differ in API Gateway", stat = "Maximum", period = 3600
        metrics = [
          [local.namespace, "KeysHeld", "Process", "worker"],
          [local.namespace, "Drifted", "Process", "worker", { yAxis = "right" }],
        ]
      },
    ],
    [for function in compact([var.worker_function_name]) : {
      x       = 0, y = 24, title = "The workers' function", stat = "Sum", period = 60
      metrics = [for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", function]]
    }],
    [for balancer in var.load_balancer_names : {
      x       = 12, y = 12, title = "Requests", stat = "Sum", period = 60
      metrics = [for metric in ["RequestCount", "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"] : ["AWS/ApplicationELB", metric, "LoadBalancer", balancer]]
    }],
    [for api in length(var.load_balancer_names) == 0 ? var.http_api_ids : [] : {
      x       = 12, y = 12, title = "Requests", stat = "Sum", period = 60
      metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", api]]
    }],
  )
}

resource "aws_cloudwatch_dashboard" "portal" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for chart in local.charts : {
      type   = "metric"
      x      = chart.x
      y      = chart.y
      width  = 12
      height = 6
      properties = {
        title   = chart.title
        region  = local.region
        stat    = chart.stat
        period  = chart.period
        view    = "timeSeries"
        metrics = chart.metrics
      }
    }]
  })
}
