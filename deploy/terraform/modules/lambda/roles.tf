# The policies with the portal's and the workers' calls come from the module permissions. Terraform adds 26 characters to
# the beginning of a role's name, which may have 64.

locals {
  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role" "portal" {
  name_prefix        = substr("${var.name}-portal-", 0, 38)
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "portal" {
  count = length(var.portal_policy_arns)

  role       = aws_iam_role.portal.name
  policy_arn = var.portal_policy_arns[count.index]
}

resource "aws_iam_role_policy" "portal" {
  name = "function"
  role = aws_iam_role.portal.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.portal.arn}:*"
    }]
  })
}

# With this role AWS Lambda also receives messages. The worker's own policy allows all calls for that but one.
resource "aws_iam_role" "worker" {
  name_prefix        = substr("${var.name}-worker-", 0, 38)
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "worker" {
  count = length(var.worker_policy_arns)

  role       = aws_iam_role.worker.name
  policy_arn = var.worker_policy_arns[count.index]
}

resource "aws_iam_role_policy" "worker" {
  name = "function"
  role = aws_iam_role.worker.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.worker.arn}:*"
      },
      {
        Effect   = "Allow"
        Action   = "sqs:GetQueueAttributes"
        Resource = [for queue in local.queues : "${local.queue}-${queue.name}"]
      },
    ]
  })
}

resource "aws_iam_role" "tick" {
  name_prefix = substr("${var.name}-tick-", 0, 38)

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "tick" {
  name = "tick"
  role = aws_iam_role.tick.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = aws_lambda_function.worker.arn
    }]
  })
}
