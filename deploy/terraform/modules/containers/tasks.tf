# In the small size the portal's task runs a worker, too.

locals {
  container = {
    image                  = var.image
    essential              = true
    user                   = "65532"
    readonlyRootFilesystem = true
    stopTimeout            = 30
  }

  portal = merge(local.container, {
    name         = "portal"
    command      = ["/bin/api"]
    portMappings = [{ containerPort = 8080 }]
    environment  = [for name, value in local.portal_environment : { name = name, value = value }]
    secrets      = [for secret in compact([var.oidc_client_secret_arn]) : { name = "GATEHOUSE_OIDC_CLIENT_SECRET", valueFrom = secret }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.portal.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "portal"
      }
    }
  })

  worker = merge(local.container, {
    name        = "worker"
    command     = ["/bin/worker"]
    environment = [for name, value in local.worker_environment : { name = name, value = value }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.worker.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "worker"
      }
    }
  })
}

resource "aws_ecs_cluster" "portal" {
  name = var.name
}

resource "aws_ecs_task_definition" "portal" {
  family                   = "${var.name}-portal"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "256"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = local.small ? aws_iam_role.small[0].arn : aws_iam_role.portal[0].arn
  container_definitions    = local.small ? jsonencode([local.portal, local.worker]) : jsonencode([local.portal])

  runtime_platform {
    cpu_architecture        = var.architecture
    operating_system_family = "LINUX"
  }

  lifecycle {
    precondition {
      condition     = local.standard || !var.internal
      error_message = "The small size has no load balancer and cannot be private. Set size to standard."
    }
  }
}

resource "aws_ecs_task_definition" "worker" {
  count = local.standard ? 1 : 0

  family                   = "${var.name}-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "256"
  memory                   = "512"
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.worker[0].arn
  container_definitions    = jsonencode([local.worker])

  runtime_platform {
    cpu_architecture        = var.architecture
    operating_system_family = "LINUX"
  }
}

resource "aws_cloudwatch_log_group" "portal" {
  name              = "/gatehouse/${var.name}/portal"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/gatehouse/${var.name}/worker"
  retention_in_days = var.log_retention_days
}
