package portal

// Target names the part of AWS that something in API Gateway belongs to: an account, a
// Region and the role to act under. The default target is "" and is written as nothing,
// so what belongs to it keeps its plain id.
type Target string

// Of qualifies an API Gateway id with the target: "<target>:<id>", or the id alone for
// the default target.
func (t Target) Of(id string) string {
	if t == "" {
		return id
	}
	return string(t) + ":" + id
}
