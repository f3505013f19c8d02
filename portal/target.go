package portal

// Target names the AWS account, Region and role that something in API Gateway belongs to. The
// default target is "".
type Target string

// Of qualifies an API Gateway id: "<target>:<id>", or the id alone for the default target.
func (t Target) Of(id string) string {
	if t == "" {
		return id
	}
	return string(t) + ":" + id
}
