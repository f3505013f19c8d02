variable "name" {
  type        = string
  description = "The beginning of all names, as for the module data."

  validation {
    condition     = can(regex("^([A-Za-z][A-Za-z0-9-]{0,39})$", var.name))
    error_message = "name must begin with a letter and have at most 40 letters, digits and hyphens."
  }
}

variable "portal_log_group" {
  type        = string
  description = "The log group of portals."

  validation {
    condition     = can(regex("^(.+)$", var.portal_log_group))
    error_message = "portal_log_group must not be empty."
  }
}

variable "worker_log_group" {
  type        = string
  description = "The log group of workers."

  validation {
    condition     = can(regex("^(.+)$", var.worker_log_group))
    error_message = "worker_log_group must not be empty."
  }
}

variable "load_balancer_names" {
  type        = list(string)
  default     = []
  description = "The full name of the load balancer, such as app/name/0123456789abcdef. Empty without one. It is a list, so that Terraform knows beforehand whether there is one."

  validation {
    condition     = length(var.load_balancer_names) <= 1
    error_message = "load_balancer_names must have one name, or none."
  }
}

variable "http_api_ids" {
  type        = list(string)
  default     = []
  description = "The id of the HTTP API. Empty without one."

  validation {
    condition     = length(var.http_api_ids) <= 1
    error_message = "http_api_ids must have one id, or none."
  }
}

variable "worker_function_name" {
  type        = string
  default     = ""
  description = "The name of the workers' function on AWS Lambda. Empty without one."
}

variable "trail" {
  type        = string
  default     = "off"
  description = "Whether workers read the queue of the module trail, which tells them of changes in API Gateway."

  validation {
    condition     = contains(["off", "on"], var.trail)
    error_message = "trail must be off or on."
  }
}

variable "alarm_email" {
  type        = string
  default     = ""
  description = "The e-mail address that alarms are sent to. AWS first sends it a link to confirm. Empty makes the topic without a subscriber."

  validation {
    condition     = can(regex("^([^@ ]+@[^@ ]+)?$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address, or empty."
  }
}
