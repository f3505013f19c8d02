# Portals follow the load of their processors, and workers the age of the oldest message. More workers do not help the
# queue provisioning, which waits for API Gateway's quotas.

resource "aws_appautoscaling_target" "portal" {
  count = local.standard ? 1 : 0

  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.portal.name}/${aws_ecs_service.portal[0].name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.min_portals
  max_capacity       = var.max_portals
}

resource "aws_appautoscaling_policy" "portal" {
  count = local.standard ? 1 : 0

  name               = "processor"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.portal[0].service_namespace
  resource_id        = aws_appautoscaling_target.portal[0].resource_id
  scalable_dimension = aws_appautoscaling_target.portal[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_target" "worker" {
  count = local.standard ? 1 : 0

  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.portal.name}/${aws_ecs_service.worker[0].name}"
  scalable_dimension = "ecs:service:DesiredCount"
  # AWS changes the number of workers to one in this range when the range changes.
  min_capacity = local.workers_run ? var.min_workers : 0
  max_capacity = local.workers_run ? var.max_workers : 0
}

resource "aws_appautoscaling_policy" "more_workers" {
  count = local.standard ? 1 : 0

  name               = "more-workers"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.worker[0].service_namespace
  resource_id        = aws_appautoscaling_target.worker[0].resource_id
  scalable_dimension = aws_appautoscaling_target.worker[0].scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type = "ChangeInCapacity"
    cooldown        = 120

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

resource "aws_appautoscaling_policy" "fewer_workers" {
  count = local.standard ? 1 : 0

  name               = "fewer-workers"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.worker[0].service_namespace
  resource_id        = aws_appautoscaling_target.worker[0].resource_id
  scalable_dimension = aws_appautoscaling_target.worker[0].scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type = "ChangeInCapacity"
    cooldown        = 300

    step_adjustment {
      metric_interval_upper_bound = 0
      scaling_adjustment          = -1
    }
  }
}

locals {
  watched = local.standard ? {
    old = {
      description = "Requests or facts wait for workers."
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 30
      periods     = 2
      missing     = "notBreaching"
      action      = one(aws_appautoscaling_policy.more_workers[*].arn)
    }
    young = {
      description = "No request and no fact has waited for workers for a quarter of an hour. This alarm is no fault."
      comparison  = "LessThanThreshold"
      threshold   = 10
      periods     = 15
      missing     = "breaching"
      action      = one(aws_appautoscaling_policy.fewer_workers[*].arn)
    }
  } : {}
}

resource "aws_cloudwatch_metric_alarm" "messages" {
  for_each = local.watched

  alarm_name          = "${var.name}-${each.key}-messages"
  alarm_description   = each.value.description
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [each.value.action]

  metric_query {
    id          = "age"
    expression  = "MAX([commands, projections])"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = toset(["commands", "projections"])

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/SQS"
        metric_name = "ApproximateAgeOfOldestMessage"
        stat        = "Maximum"
        period      = 60
        dimensions  = { QueueName = "${var.name}-${metric_query.key}.fifo" }
      }
    }
  }
}
