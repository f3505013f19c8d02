package folder

import (
	"cmp"
	"slices"
	"strconv"
)

// crossCheck finds faults between products. If two claim the same thing, the first by path keeps
// it. A product with an error still counts as the target of links, so that one error does not cause
// more.
func crossCheck(products []*product) {
	byID := map[string]*product{}
	for _, p := range products {
		if first := byID[p.spec.ID]; first != nil {
			p.fail(at("id"), "The product in the folder %s has the id %s, too. Give this one another id.", first.name, p.spec.ID)
			continue
		}
		byID[p.spec.ID] = p
	}
	for _, p := range products {
		p.checkSuccessor(byID)
		p.checkVersionOf(byID)
	}
	shareVersionOf(products, byID)
	checkVersions(products)
	checkPlans(products)
	checkListings(products)
}

func (p *product) checkSuccessor(byID map[string]*product) {
	switch successor := p.spec.Successor; {
	case successor == "":
	case successor == p.spec.ID:
		p.fail(at("successor"), "The product names itself as its successor. Name another product, or remove successor.")
	case byID[successor] == nil:
		p.fail(at("successor"), "There is no product %s. %s", clip(successor), suggestion(successor, byID))
	}
}

func (p *product) checkVersionOf(byID map[string]*product) {
	head := p.spec.VersionOf
	if head == "" || head == p.spec.ID {
		return
	}
	first := byID[head]
	switch {
	case first == nil:
		p.fail(at("version_of"), "There is no product %s. %s", clip(head), suggestion(head, byID))
	case len(first.problems) > 0 && first.broken && first.spec.Name == "":
		// Its product.yaml could not be read.
	case first.spec.VersionOf != "" && first.spec.VersionOf != head:
		p.fail(at("version_of"), "%s is itself a version of %s. Write \"version_of: %s\".", head, first.spec.VersionOf, first.spec.VersionOf)
	case first.spec.Version == "":
		p.fail(at("version_of"), "The product %s has no version. Add one to %s.", head, first.file)
	}
}

func suggestion(id string, byID map[string]*product) string {
	if meant := nearest(id, sortedKeys(byID)); meant != "" {
		return "Did you mean " + meant + "?"
	}
	return "Use the id of another product in this folder, or remove the line."
}

// shareVersionOf sets VersionOf of a product that others are versions of to its own id.
func shareVersionOf(products []*product, byID map[string]*product) {
	for _, p := range products {
		if head := byID[p.spec.VersionOf]; head != nil && !p.broken {
			head.described.Product.VersionOf = head.spec.ID
		}
	}
}

func checkVersions(products []*product) {
	type version struct{ of, name string }
	first := map[version]*product{}
	for _, p := range products {
		v := version{cmp.Or(p.described.Product.VersionOf, p.spec.ID), p.spec.Version}
		if p.spec.Version == "" {
			continue
		}
		if other := first[v]; other != nil && other != p {
			p.fail(at("version"), "The folder %s is version %s, too. Give this one another version.", other.name, clip(v.name))
			continue
		}
		first[v] = p
	}
}

// checkPlans finds plans that two products name. The second one loses the plan only.
func checkPlans(products []*product) {
	claims := map[string]*product{}
	for _, p := range products {
		if p.broken {
			continue
		}
		kept := p.described.Plans[:0]
		for i, plan := range p.described.Plans {
			key := "id " + string(plan.ID)
			if plan.ID == "" {
				key = "name " + plan.Named
			}
			if other := claims[key]; other != nil {
				line := p.lines.line("plans", strconv.Itoa(i))
				p.problems = append(p.problems, problems(p.file, []fault{faultf(line,
					"The plan with the %s belongs to the product in the folder %s. Name it in one product only.", quoted(key), other.name)})...)
				continue
			}
			claims[key] = p
			kept = append(kept, plan)
		}
		p.described.Plans = slices.Clip(kept)
	}
}
