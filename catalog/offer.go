package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// A usage plan with this tag is offered, even if no product folder names it.
const (
	OfferTag   = "gatehouse:offer"
	OfferValue = "true"
)

// NotOffered is a usage plan that the catalog leaves out.
type NotOffered struct {
	Plan   portal.PlanID `json:"plan"`
	Name   string        `json:"name"`
	Reason string        `json:"reason"`
}

type claim struct {
	by    string
	line  int
	order int
	plan  DescribedPlan
}

// claims are what product folders say about usage plans. A folder that names a plan decides alone
// about it, so a fault in the folder never puts the plan back into a public product.
type claims struct {
	byPlan map[portal.PlanID]claim
	// doubtful plans share a name that a folder uses.
	doubtful map[portal.PlanID]string
	problems []Problem
}

// claimed resolves what the folders name, ordered by path. The first claim on a plan counts.
func claimed(described []Described, plans []gateway.UsagePlan) claims {
	c := claims{byPlan: map[portal.PlanID]claim{}, doubtful: map[portal.PlanID]string{}}
	for _, product := range described {
		for i, plan := range product.Plans {
			c.add(product.Path, i+1, plan, plans)
		}
	}
	return c
}

func (c *claims) add(by string, order int, plan DescribedPlan, plans []gateway.UsagePlan) {
	at := Problem{Where: productFile(by), Line: plan.Line}
	var found []portal.PlanID
	for _, read := range plans {
		if plan.ID != "" && read.ID == plan.ID || plan.ID == "" && read.Name == plan.Named {
			found = append(found, read.ID)
		}
	}
	slices.Sort(found)
	switch {
	case len(found) == 0:
		at.Text = fmt.Sprintf("API Gateway has no usage plan %q in this AWS account and Region. Correct the name or id, or remove the plan.", cmp.Or(string(plan.ID), plan.Named))
	case len(found) > 1:
		for _, id := range found {
			c.doubtful[id] = productFile(by)
		}
		at.Text = fmt.Sprintf("%d usage plans are named %q. Name this one by its id: %s.", len(found), plan.Named, listOf(found))
	case c.byPlan[found[0]].by != "":
		at.Text = fmt.Sprintf("%s names the usage plan %s already. A plan can be in one product only: remove it from one of the files.", productFile(c.byPlan[found[0]].by), found[0])
	default:
		c.byPlan[found[0]] = claim{by: by, line: plan.Line, order: order, plan: plan}
		return
	}
	c.problems = append(c.problems, at)
}

func (c claims) refusal(plan gateway.UsagePlan, all bool) string {
	named, ok := c.byPlan[plan.ID]
	switch {
	case ok && named.plan.Withheld:
		return fmt.Sprintf("%s, line %d, says \"offer: false\".", productFile(named.by), named.line)
	case ok:
		return ""
	case c.doubtful[plan.ID] != "":
		return fmt.Sprintf("%s names it, but other plans have the same name. Name it by its id there.", c.doubtful[plan.ID])
	case all || plan.Tags[OfferTag] == OfferValue:
		return ""
	}
	return fmt.Sprintf("It lacks the tag %s=%s, and no product folder names it.", OfferTag, OfferValue)
}

const noStageLeft = "None of its stages exists. Add a stage of a deployed API to it."

func productFile(path string) string { return path + "/product.yaml" }

func listOf[T ~string](ids []T) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ", ")
}
