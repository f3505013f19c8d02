# The policies with the portal's and the workers' calls come from the module permissions.

locals {
  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role" "portal" {
  count = local.standard ? 1 : 0

  name               = "${var.name}-portal-${local.region}"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "portal" {
  count = local.standard ? length(var.portal_policy_arns) : 0

  role       = aws_iam_role.portal[0].name
  policy_arn = var.portal_policy_arns[count.index]
}

resource "aws_iam_role" "worker" {
  count = local.standard ? 1 : 0

  name               = "${var.name}-worker-${local.region}"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "worker" {
  count = local.standard ? length(var.worker_policy_arns) : 0

  role       = aws_iam_role.worker[0].name
  policy_arn = var.worker_policy_arns[count.index]
}

# The containers of a task share one role.
resource "aws_iam_role" "small" {
  count = local.small ? 1 : 0

  name               = "${var.name}-small-${local.region}"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "small" {
  count = local.small ? length(concat(var.portal_policy_arns, var.worker_policy_arns)) : 0

  role       = aws_iam_role.small[0].name
  policy_arn = concat(var.portal_policy_arns, var.worker_policy_arns)[count.index]
}

# With this role ECS fetches the image and the secret, and writes the logs.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-start-${local.region}"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Effect   = "Allow"
          Action   = "ecr:GetAuthorizationToken"
          Resource = "*"
        },
        {
          Effect   = "Allow"
          Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource = "arn:${local.partition}:ecr:*:*:repository/*"
        },
        {
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${aws_cloudwatch_log_group.portal.arn}:*", "${aws_cloudwatch_log_group.worker.arn}:*"]
        },
      ],
      [for secret in compact([var.oidc_client_secret_arn]) : {
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = secret
      }],
    )
  })
}
