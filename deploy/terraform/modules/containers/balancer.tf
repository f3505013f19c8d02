# The load balancer of the standard size.

resource "aws_lb" "portal" {
  count = local.standard ? 1 : 0

  load_balancer_type         = "application"
  internal                   = var.internal
  subnets                    = length(var.load_balancer_subnet_ids) == 0 ? var.subnet_ids : var.load_balancer_subnet_ids
  security_groups            = [aws_security_group.load_balancer[0].id]
  drop_invalid_header_fields = true
}

resource "aws_lb_target_group" "portal" {
  count = local.standard ? 1 : 0

  target_type          = "ip"
  protocol             = "HTTP"
  port                 = 8080
  vpc_id               = var.vpc_id
  deregistration_delay = 20

  health_check {
    path              = "/healthz"
    interval          = 10
    healthy_threshold = 2
  }
}

resource "aws_lb_listener" "https" {
  count = local.standard ? 1 : 0

  load_balancer_arn = aws_lb.portal[0].arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.portal[0].arn
  }
}

resource "aws_lb_listener" "http" {
  count = local.standard ? 1 : 0

  load_balancer_arn = aws_lb.portal[0].arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_route53_record" "standard" {
  count = local.standard && var.hosted_zone_id != "" ? 1 : 0

  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.portal[0].dns_name
    zone_id                = aws_lb.portal[0].zone_id
    evaluate_target_health = false
  }
}
