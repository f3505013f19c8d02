# Only the load balancer, or in the small size the HTTP API, reaches the portal. Nothing reaches workers.

resource "aws_security_group" "portal" {
  name_prefix = "${var.name}-portal-"
  description = "Portals of ${var.name}"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "portal" {
  security_group_id            = aws_security_group.portal.id
  referenced_security_group_id = local.small ? aws_security_group.link[0].id : aws_security_group.load_balancer[0].id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_security_group" "worker" {
  count = local.standard ? 1 : 0

  name_prefix = "${var.name}-worker-"
  description = "Workers of ${var.name}"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "load_balancer" {
  count = local.standard ? 1 : 0

  name_prefix = "${var.name}-balancer-"
  description = "Load balancer of ${var.name}"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

# A rule of CloudFront's prefix list counts as 55 rules, and a group may have 60. CloudFront needs no port 80.
resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = toset(!local.standard ? [] : var.allowed_prefix_list_id == "" ? ["443", "80"] : ["443"])

  security_group_id = aws_security_group.load_balancer[0].id
  cidr_ipv4         = var.allowed_prefix_list_id == "" ? var.allowed_cidr : null
  prefix_list_id    = var.allowed_prefix_list_id == "" ? null : var.allowed_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_security_group" "link" {
  count = local.small ? 1 : 0

  name_prefix = "${var.name}-link-"
  description = "HTTP API of ${var.name}"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

# Terraform takes away the rule that allows all connections out, so each group has one.
resource "aws_vpc_security_group_egress_rule" "all" {
  for_each = merge(
    { portal = aws_security_group.portal.id },
    local.standard ? { worker = one(aws_security_group.worker[*].id), load_balancer = one(aws_security_group.load_balancer[*].id) } : {},
    local.small ? { link = one(aws_security_group.link[*].id) } : {},
  )

  security_group_id = each.value
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
