package events

// RegistrationPending: an admin must approve the account. It opens a wish, which a UserRegistered
// or a RegistrationDenied ends.
type RegistrationPending struct {
	Decides
}

// RegistrationDenied: an admin has refused the account. Message tells the person why.
type RegistrationDenied struct {
	Decides
	Link
	Message string `json:"message"`
}

// AccountSuspended: API Gateway should refuse every key of the account. Message tells the person
// why. It opens a wish.
type AccountSuspended struct {
	Decides
	Message string `json:"message"`
}

// AccountReinstated: keys that the suspension disabled should work again. It opens a wish.
type AccountReinstated struct {
	Decides
}

// AccountKeysSwitched: API Gateway has every key as a suspension or its end asks. It ends the wish.
type AccountKeysSwitched struct {
	Link
}

// AccountDeleting: the account is to be deleted with its keys and its personal data, for ever. It
// opens a wish.
type AccountDeleting struct {
	Decides
}

// AccountDeleted: API Gateway holds no key of the account, and its personal data are erased. It
// ends the wish, and is the last fact of its stream.
type AccountDeleted struct {
	Link
}

func (RegistrationPending) EventType() string { return "gatehouse.RegistrationPending.v1" }
func (RegistrationDenied) EventType() string  { return "gatehouse.RegistrationDenied.v1" }
func (AccountSuspended) EventType() string    { return "gatehouse.AccountSuspended.v1" }
func (AccountReinstated) EventType() string   { return "gatehouse.AccountReinstated.v1" }
func (AccountKeysSwitched) EventType() string { return "gatehouse.AccountKeysSwitched.v1" }
func (AccountDeleting) EventType() string     { return "gatehouse.AccountDeleting.v1" }
func (AccountDeleted) EventType() string      { return "gatehouse.AccountDeleted.v1" }

func (RegistrationPending) isFact() {}
func (RegistrationDenied) isFact()  {}
func (AccountSuspended) isFact()    {}
func (AccountReinstated) isFact()   {}
func (AccountKeysSwitched) isFact() {}
func (AccountDeleting) isFact()     {}
func (AccountDeleted) isFact()      {}

func (RegistrationPending) MustUnderstand() bool { return true }
func (RegistrationDenied) MustUnderstand() bool  { return true }
func (AccountSuspended) MustUnderstand() bool    { return true }
func (AccountReinstated) MustUnderstand() bool   { return true }
func (AccountKeysSwitched) MustUnderstand() bool { return true }
func (AccountDeleting) MustUnderstand() bool     { return true }
func (AccountDeleted) MustUnderstand() bool      { return true }
