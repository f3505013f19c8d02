# The HTTP API in front of the portal.

resource "aws_apigatewayv2_api" "portal" {
  name                         = var.name
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = local.own_domain

  lifecycle {
    precondition {
      condition     = (var.domain_name == "") == (var.certificate_arn == "")
      error_message = "domain_name and certificate_arn need each other."
    }

    precondition {
      condition     = var.hosted_zone_id == "" || var.domain_name != ""
      error_message = "hosted_zone_id needs domain_name."
    }
  }
}

resource "aws_apigatewayv2_integration" "portal" {
  api_id                 = aws_apigatewayv2_api.portal.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.portal.arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 29000
}

resource "aws_lambda_permission" "portal" {
  function_name = aws_lambda_function.portal.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.portal.id}/*"
}

resource "aws_apigatewayv2_route" "portal" {
  api_id    = aws_apigatewayv2_api.portal.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.portal.id}"
}

# The throttle bounds what a flood of requests can cost.
resource "aws_apigatewayv2_stage" "portal" {
  api_id      = aws_apigatewayv2_api.portal.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = 100
    throttling_burst_limit = 200
  }

  depends_on = [aws_apigatewayv2_route.portal]
}

resource "aws_apigatewayv2_domain_name" "portal" {
  count = local.own_domain ? 1 : 0

  domain_name = var.domain_name

  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "portal" {
  count = local.own_domain ? 1 : 0

  api_id      = aws_apigatewayv2_api.portal.id
  domain_name = aws_apigatewayv2_domain_name.portal[0].id
  stage       = aws_apigatewayv2_stage.portal.id
}

resource "aws_route53_record" "portal" {
  count = var.hosted_zone_id == "" ? 0 : 1

  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_apigatewayv2_domain_name.portal[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.portal[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
