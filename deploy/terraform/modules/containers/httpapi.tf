# The HTTP API of the small size. It finds the task by its record in Cloud Map, and learns the task's port from a record
# of type SRV only.

resource "aws_service_discovery_private_dns_namespace" "portal" {
  count = local.small ? 1 : 0

  name = "${var.name}.internal"
  vpc  = var.vpc_id
}

resource "aws_service_discovery_service" "portal" {
  count = local.small ? 1 : 0

  name = "portal"

  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.portal[0].id

    dns_records {
      type = "SRV"
      ttl  = 10
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_apigatewayv2_vpc_link" "portal" {
  count = local.small ? 1 : 0

  name               = var.name
  subnet_ids         = var.subnet_ids
  security_group_ids = [aws_security_group.link[0].id]
}

resource "aws_apigatewayv2_api" "portal" {
  count = local.small ? 1 : 0

  name                         = var.name
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = true
}

resource "aws_apigatewayv2_integration" "portal" {
  count = local.small ? 1 : 0

  api_id                 = aws_apigatewayv2_api.portal[0].id
  integration_type       = "HTTP_PROXY"
  integration_method     = "ANY"
  integration_uri        = aws_service_discovery_service.portal[0].arn
  connection_type        = "VPC_LINK"
  connection_id          = aws_apigatewayv2_vpc_link.portal[0].id
  payload_format_version = "1.0"
}

resource "aws_apigatewayv2_route" "portal" {
  count = local.small ? 1 : 0

  api_id    = aws_apigatewayv2_api.portal[0].id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.portal[0].id}"
}

# The throttle bounds what a flood of requests can cost.
resource "aws_apigatewayv2_stage" "portal" {
  count = local.small ? 1 : 0

  api_id      = aws_apigatewayv2_api.portal[0].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = 100
    throttling_burst_limit = 200
  }

  depends_on = [aws_apigatewayv2_route.portal]
}

resource "aws_apigatewayv2_domain_name" "portal" {
  count = local.small ? 1 : 0

  domain_name = var.domain_name

  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "portal" {
  count = local.small ? 1 : 0

  api_id      = aws_apigatewayv2_api.portal[0].id
  domain_name = aws_apigatewayv2_domain_name.portal[0].id
  stage       = aws_apigatewayv2_stage.portal[0].id
}

resource "aws_route53_record" "small" {
  count = local.small && var.hosted_zone_id != "" ? 1 : 0

  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_apigatewayv2_domain_name.portal[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.portal[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
