# Workers are updated before the portal, since old workers do not know new requests.

resource "aws_ecs_service" "worker" {
  count = local.standard ? 1 : 0

  name                               = "worker"
  cluster                            = aws_ecs_cluster.portal.id
  task_definition                    = aws_ecs_task_definition.worker[0].arn
  launch_type                        = "FARGATE"
  propagate_tags                     = "SERVICE"
  desired_count                      = local.workers_run ? var.min_workers : 0
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.worker[0].id]
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy_attachment.worker]
}

resource "aws_ecs_service" "portal" {
  count = local.standard ? 1 : 0

  name                               = "portal"
  cluster                            = aws_ecs_cluster.portal.id
  task_definition                    = aws_ecs_task_definition.portal.arn
  launch_type                        = "FARGATE"
  propagate_tags                     = "SERVICE"
  desired_count                      = var.min_portals
  health_check_grace_period_seconds  = 60
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  load_balancer {
    container_name   = "portal"
    container_port   = 8080
    target_group_arn = aws_lb_target_group.portal[0].arn
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.portal.id]
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_ecs_service.worker, aws_iam_role_policy_attachment.portal, aws_lb_listener.https]
}

resource "aws_ecs_service" "small" {
  count = local.small ? 1 : 0

  name                               = "portal"
  cluster                            = aws_ecs_cluster.portal.id
  task_definition                    = aws_ecs_task_definition.portal.arn
  launch_type                        = "FARGATE"
  propagate_tags                     = "SERVICE"
  desired_count                      = local.workers_run ? 1 : 0
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  service_registries {
    registry_arn   = aws_service_discovery_service.portal[0].arn
    container_name = "portal"
    container_port = 8080
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.portal.id]
    assign_public_ip = var.assign_public_ip
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy_attachment.small]
}
