# What invokes the worker: each queue and each dead-letter queue. A queue that people can fill has a limit, so that its
# backlog leaves invocations to the portal. A limit costs polls, since AWS Lambda then never polls less.

locals {
  queues = merge({
    commands     = { name = "commands.fifo", limited = true }
    provisioning = { name = "provisioning", limited = true, batch = 100, window = 1 }
    projections  = { name = "projections.fifo", limited = true }
    jobs         = { name = "jobs.fifo" }
    notices      = { name = "notices.fifo", limited = true }
    deliveries   = { name = "deliveries", limited = true }
    marketplace  = { name = "marketplace" }

    commands-dlq     = { name = "commands-dlq.fifo" }
    provisioning-dlq = { name = "provisioning-dlq" }
    projections-dlq  = { name = "projections-dlq.fifo" }
    jobs-dlq         = { name = "jobs-dlq.fifo" }
    notices-dlq      = { name = "notices-dlq.fifo" }
    deliveries-dlq   = { name = "deliveries-dlq" }
    marketplace-dlq  = { name = "marketplace-dlq" }
    },
    var.trail == "off" ? {} : {
      trail     = { name = "trail" }
      trail-dlq = { name = "trail-dlq" }
    },
  )
}

resource "aws_lambda_event_source_mapping" "worker" {
  for_each = local.queues

  event_source_arn                   = "${local.queue}-${each.value.name}"
  function_name                      = aws_lambda_function.worker.function_name
  function_response_types            = ["ReportBatchItemFailures"]
  enabled                            = local.workers_run
  batch_size                         = try(each.value.batch, 10)
  maximum_batching_window_in_seconds = try(each.value.window, null)

  dynamic "scaling_config" {
    for_each = try(each.value.limited, false) ? [var.max_concurrency] : []

    content {
      maximum_concurrency = scaling_config.value
    }
  }

  depends_on = [aws_lambda_function_recursion_config.worker]
}

# Each minute the worker starts the jobs that are due. A tick that fails is not repeated: the next one makes up for it.
resource "aws_scheduler_schedule" "tick" {
  name                = "${var.name}-tick"
  description         = "Starts the jobs of ${var.name}"
  state               = local.workers_run ? "ENABLED" : "DISABLED"
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.worker.arn
    role_arn = aws_iam_role.tick.arn
    input    = "{\"tick\": true}"

    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }

  depends_on = [aws_iam_role_policy.tick, aws_lambda_function_event_invoke_config.tick]
}

resource "aws_lambda_function_event_invoke_config" "tick" {
  function_name                = aws_lambda_function.worker.function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
