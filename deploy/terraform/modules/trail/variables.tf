variable "name" {
  type        = string
  description = "The beginning of all names, as for the module data."

  validation {
    condition     = can(regex("^([A-Za-z][A-Za-z0-9-]{0,39})$", var.name))
    error_message = "name must begin with a letter and have at most 40 letters, digits and hyphens."
  }
}

variable "worker_roles" {
  type        = string
  default     = ""
  description = "How the name of the workers' role begins, whose own calls are left out. Empty lets them through, and the workers drop them."

  validation {
    condition     = can(regex("^([A-Za-z0-9+=,.@_-]{0,64})$", var.worker_roles))
    error_message = "worker_roles must be the beginning of a role's name, or empty."
  }
}

variable "trail_queue_visibility" {
  type        = number
  default     = 60
  description = "How many seconds SQS hides a message that a worker has received. At least twice what a function of AWS Lambda may take."

  validation {
    condition     = var.trail_queue_visibility >= 30 && var.trail_queue_visibility <= 43200
    error_message = "trail_queue_visibility must be from 30 to 43200."
  }
}
