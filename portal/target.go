package portal

import "strings"

// Target names the AWS account, Region and role that something in API Gateway belongs to.
// The default target is "", and ids that belong to it stay as they are.
type Target string

// Of qualifies an API Gateway id with the target: "<target>:<id>", or the id alone for
// the default target.
func (t Target) Of(id string) string {
	if t == "" {
		return id
	}
	return string(t) + ":" + id
}

// SplitTarget is the reverse of Of. API Gateway's ids contain no colon, so the id is what
// follows the last one.
func SplitTarget(id string) (Target, string) {
	if at := strings.LastIndexByte(id, ':'); at >= 0 {
		return Target(id[:at]), id[at+1:]
	}
	return "", id
}
