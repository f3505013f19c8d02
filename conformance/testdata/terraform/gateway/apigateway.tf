resource "aws_api_gateway_account" "settings" {}

resource "aws_api_gateway_rest_api" "pets" {
  name        = "pets ${var.edition}"
  description = "The ${var.edition} edition"
  tags        = { edition = var.edition }

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "pets" {
  rest_api_id = aws_api_gateway_rest_api.pets.id
  parent_id   = aws_api_gateway_rest_api.pets.root_resource_id
  path_part   = "pets-${var.edition}"
}

resource "aws_api_gateway_resource" "pet" {
  rest_api_id = aws_api_gateway_rest_api.pets.id
  parent_id   = aws_api_gateway_resource.pets.id
  path_part   = "{id}"
}

resource "aws_api_gateway_method" "read" {
  rest_api_id      = aws_api_gateway_rest_api.pets.id
  resource_id      = aws_api_gateway_resource.pet.id
  http_method      = "GET"
  authorization    = "NONE"
  api_key_required = true
  operation_name   = "read-${var.edition}"

  request_parameters = {
    "method.request.path.id"                         = true
    "method.request.querystring.${var.edition}"      = false
    "method.request.header.X-Edition-${var.edition}" = false
  }
}

resource "aws_api_gateway_method_response" "ok" {
  rest_api_id     = aws_api_gateway_rest_api.pets.id
  resource_id     = aws_api_gateway_resource.pet.id
  http_method     = aws_api_gateway_method.read.http_method
  status_code     = "200"
  response_models = { "application/json" = "Empty" }

  response_parameters = { "method.response.header.X-${var.edition}" = true }
}

resource "aws_api_gateway_integration" "read" {
  rest_api_id             = aws_api_gateway_rest_api.pets.id
  resource_id             = aws_api_gateway_resource.pet.id
  http_method             = aws_api_gateway_method.read.http_method
  type                    = "HTTP"
  integration_http_method = "GET"
  uri                     = "http://localhost:9/${var.edition}/{id}"
  timeout_milliseconds    = local.second ? 2000 : 1000

  request_parameters = { "integration.request.path.id" = "method.request.path.id" }
}

resource "aws_api_gateway_integration_response" "ok" {
  rest_api_id = aws_api_gateway_rest_api.pets.id
  resource_id = aws_api_gateway_resource.pet.id
  http_method = aws_api_gateway_integration.read.http_method
  status_code = aws_api_gateway_method_response.ok.status_code

  response_parameters = { "method.response.header.X-${var.edition}" = "'${var.edition}'" }
}

resource "aws_api_gateway_deployment" "now" {
  rest_api_id = aws_api_gateway_rest_api.pets.id
  description = var.edition
  triggers    = { edition = var.edition }
  depends_on  = [aws_api_gateway_integration_response.ok]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "v1" {
  rest_api_id   = aws_api_gateway_rest_api.pets.id
  deployment_id = aws_api_gateway_deployment.now.id
  stage_name    = "v1"
  description   = var.edition
  variables     = { edition = var.edition }
  tags          = { edition = var.edition }
}

resource "aws_api_gateway_usage_plan" "basic" {
  name         = "basic ${var.edition}"
  description  = "The ${var.edition} edition"
  product_code = var.edition

  api_stages {
    api_id = aws_api_gateway_rest_api.pets.id
    stage  = aws_api_gateway_stage.v1.stage_name

    throttle {
      path        = "/${aws_api_gateway_resource.pets.path_part}/{id}/GET"
      rate_limit  = local.second ? 10 : 5
      burst_limit = 3
    }
  }

  throttle_settings {
    rate_limit  = local.second ? 20 : 10
    burst_limit = 5
  }

  quota_settings {
    limit  = local.second ? 2000 : 1000
    period = "MONTH"
  }
}

resource "aws_api_gateway_api_key" "customer" {
  name        = "customer ${var.edition}"
  description = var.edition
  customer_id = "customer-${var.edition}"
  enabled     = !local.second
  tags        = { edition = var.edition }
}

resource "aws_api_gateway_usage_plan_key" "customer" {
  usage_plan_id = aws_api_gateway_usage_plan.basic.id
  key_id        = aws_api_gateway_api_key.customer.id
  key_type      = "API_KEY"
}
