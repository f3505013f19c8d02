# The worker is updated before the portal, since old workers do not know new requests.

resource "aws_lambda_function" "worker" {
  function_name = "${var.name}-worker"
  description   = "Workers of ${var.name}"
  runtime       = "provided.al2023"
  architectures = [var.architecture]
  handler       = "worker"
  s3_bucket     = var.code_bucket
  s3_key        = var.code_key
  layers        = compact([var.traces_layer_arn])
  memory_size   = 512
  timeout       = 30
  role          = aws_iam_role.worker.arn

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.worker.name
  }

  environment {
    variables = local.worker_environment
  }

  depends_on = [aws_iam_role_policy.worker, aws_iam_role_policy_attachment.worker]
}

# A job's step sends the message of the next one. Without this, AWS Lambda would stop jobs of more than 16 steps.
resource "aws_lambda_function_recursion_config" "worker" {
  function_name  = aws_lambda_function.worker.function_name
  recursive_loop = "Allow"
}

resource "aws_lambda_function" "portal" {
  function_name = "${var.name}-portal"
  description   = "Portal of ${var.name}"
  runtime       = "provided.al2023"
  architectures = [var.architecture]
  handler       = "api"
  s3_bucket     = var.code_bucket
  s3_key        = var.code_key
  layers        = compact([var.traces_layer_arn])
  memory_size   = 1024
  timeout       = 28
  role          = aws_iam_role.portal.arn

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.portal.name
  }

  environment {
    variables = local.portal_environment
  }

  depends_on = [aws_iam_role_policy.portal, aws_iam_role_policy_attachment.portal, aws_lambda_function.worker]
}

resource "aws_cloudwatch_log_group" "portal" {
  name              = "/aws/lambda/${var.name}-portal"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/aws/lambda/${var.name}-worker"
  retention_in_days = var.log_retention_days
}
