package cognito

import (
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// emailConfiguration says who sends a pool's mail.
type emailConfiguration struct {
	EmailSendingAccount string
}

func (e *emailConfiguration) validate(c *constraints) {
	if e != nil {
		c.OneOf("emailConfiguration.emailSendingAccount", []string{"COGNITO_DEFAULT", "DEVELOPER"}, e.EmailSendingAccount)
	}
}

// supported returns an error for mail through SES: the local pool hands its mail to OnMail.
func (e *emailConfiguration) supported() error {
	if e != nil && e.EmailSendingAccount == "DEVELOPER" {
		return wire.NotImplemented("Mail of a user pool through SES")
	}
	return nil
}

// attributeUpdateSettings say which addresses people must verify before a change of them counts.
type attributeUpdateSettings struct {
	AttributesRequireVerificationBeforeUpdate []string
}

func (a *attributeUpdateSettings) validate(c *constraints) {
	if a != nil {
		c.OneOf("userAttributeUpdateSettings.attributesRequireVerificationBeforeUpdate", []string{"phone_number", "email"}, a.AttributesRequireVerificationBeforeUpdate...)
	}
}

// keepsEmailUntilVerified reports whether a new address replaces the old one only once its owner has
// verified it.
func (p pool) keepsEmailUntilVerified() bool {
	return p.UpdateSettings != nil && slices.Contains(p.UpdateSettings.AttributesRequireVerificationBeforeUpdate, "email")
}
