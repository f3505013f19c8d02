# Events about changes that are made in API Gateway without the portal. AWS CloudTrail must have a trail of management
# events in this Region; nothing here makes one.

module "trail" {
  source = "../modules/trail"
  count  = var.trail ? 1 : 0

  name         = module.data.name
  worker_roles = "${var.name}-${var.size == "small" ? "small" : "worker"}-"
}

locals {
  # By the rule's name, what reads the queue waits for the queue.
  trail = length(module.trail[*].trail_rule_name) == 0 ? "off" : "on"
}
