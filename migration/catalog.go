package migration

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// CatalogFile is a file of the earlier portal's catalog, such as catalog/a1b2c3d4e5_prod.json.
type CatalogFile struct {
	Key  string
	Body []byte
}

// ProductFolder is a folder of Gatehouse's catalog folder: its name, and its files by name.
type ProductFolder struct {
	Name  string
	Files map[string][]byte
}

// managedFile is the name of an API of API Gateway. Others are documents only.
var managedFile = regexp.MustCompile(`^catalog/(unsubscribable_)?([a-zA-Z0-9]{10})_(.*)\.json$`)

// everySDK are the kinds of SDKs that the earlier portal let people download.
const everySDK = "[javascript, java, android, objectivec, swift, ruby]"

const (
	maxName, maxDescription = 100, 300
	maxOfProduct            = 50
)

type documented struct {
	file               CatalogFile
	title, description string
	stage              portal.Stage
	subscribable, sdks bool
	plans              []portal.PlanID
}

// Products describes the catalog as product folders. APIs that share a usage plan are one product,
// since a plan belongs to one product. sdks are the earlier portal's keys of the APIs whose SDKs people
// may download.
func Products(files []CatalogFile, sdks map[string]bool, plans []gateway.UsagePlan) (folders []ProductFolder, unmatched []Unmatched) {
	var apis, generic []documented
	for _, file := range files {
		doc, err := read(file)
		if err != nil {
			unmatched = append(unmatched, Unmatched{What: "file " + clip(file.Key), Why: "It is neither a JSON nor a YAML document: " + clip(err.Error()) + ". Correct it, or leave it out."})
			continue
		}
		match := managedFile.FindStringSubmatch(file.Key)
		if match == nil {
			generic = append(generic, doc)
			continue
		}
		doc.stage, doc.subscribable = portal.Stage{API: match[2], Stage: match[3]}, match[1] == ""
		doc.sdks = sdks[match[2]+"_"+match[3]]
		for _, plan := range plans {
			if doc.subscribable && plan.ProductCode == "" && slices.Contains(plan.Stages, doc.stage) {
				doc.plans = append(doc.plans, plan.ID)
			}
		}
		apis = append(apis, doc)
	}
	names := map[string]bool{"pages": true}
	for _, group := range grouped(apis) {
		if len(group) > maxOfProduct {
			unmatched = append(unmatched, Unmatched{What: "product " + clip(group[0].title), Why: fmt.Sprintf("Its plans cover %d APIs. A product has at most %d, so the others are left out.", len(group), maxOfProduct)})
			group = group[:maxOfProduct]
		}
		offered := plansOf(group)
		if len(offered) > maxOfProduct {
			unmatched = append(unmatched, Unmatched{What: "product " + clip(group[0].title), Why: fmt.Sprintf("Its APIs have %d plans. A product has at most %d, so the others are left out: %s.",
				len(offered), maxOfProduct, joined(offered[maxOfProduct:]))})
			offered = offered[:maxOfProduct]
		}
		folders = append(folders, product(group, offered, names))
	}
	for _, doc := range generic {
		folders = append(folders, document(doc, names))
	}
	return folders, unmatched
}

func read(file CatalogFile) (documented, error) {
	var said struct {
		Info struct {
			Title       any `json:"title" yaml:"title"`
			Description any `json:"description" yaml:"description"`
		} `json:"info" yaml:"info"`
	}
	if err := json.Unmarshal(file.Body, &said); err != nil {
		if err := yaml.Unmarshal(file.Body, &said); err != nil {
			return documented{}, err
		}
	}
	title, _ := said.Info.Title.(string)
	description, _ := said.Info.Description.(string)
	base := strings.TrimSuffix(path.Base(file.Key), path.Ext(file.Key))
	return documented{file: file, title: cmp.Or(line(title, maxName), line(base, maxName), "API"), description: line(description, maxDescription)}, nil
}

// line makes a text one line of at most so many characters.
func line(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}

// grouped puts APIs that share a plan together, directly or through others.
func grouped(apis []documented) [][]documented {
	group := make([]int, len(apis))
	for i := range apis {
		group[i] = i
	}
	byPlan := map[portal.PlanID]int{}
	for i, api := range apis {
		for _, plan := range api.plans {
			first, known := byPlan[plan]
			if !known {
				byPlan[plan] = i
				continue
			}
			from, to := group[i], group[first]
			for j := range group {
				if group[j] == from {
					group[j] = to
				}
			}
		}
	}
	members := map[int][]documented{}
	for i, api := range apis {
		members[group[i]] = append(members[group[i]], api)
	}
	var groups [][]documented
	for _, n := range slices.Sorted(maps.Keys(members)) {
		groups = append(groups, members[n])
	}
	return groups
}

const fileHead = "# From the earlier portal, where only people who had signed in saw the catalog.\n"

// plansOf lists the plans of APIs, sorted.
func plansOf(apis []documented) []portal.PlanID {
	var all []portal.PlanID
	for _, api := range apis {
		all = append(all, api.plans...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func joined(plans []portal.PlanID) string {
	ids := make([]string, len(plans))
	for i, plan := range plans {
		ids[i] = string(plan)
	}
	return strings.Join(ids, ", ")
}

func product(apis []documented, plans []portal.PlanID, names map[string]bool) ProductFolder {
	name := apis[0].title
	if len(apis) > 1 {
		name = line(fmt.Sprintf("%s and %d more", line(name, maxName-20), len(apis)-1), maxName)
	}
	var b strings.Builder
	b.WriteString(fileHead)
	writeHead(&b, name, apis[0].description)
	b.WriteString("apis:\n")
	for _, api := range apis {
		fmt.Fprintf(&b, "  - id: %s\n    stage: %s\n", quoted(api.stage.API), quoted(api.stage.Stage))
		if len(apis) > 1 {
			fmt.Fprintf(&b, "    title: %s\n", quoted(api.title))
		}
		if api.sdks {
			b.WriteString("    sdks: " + everySDK + "\n")
		}
	}
	if len(plans) > 0 {
		b.WriteString("plans:\n")
	}
	for _, plan := range plans {
		fmt.Fprintf(&b, "  - id: %s\n", quoted(string(plan)))
	}
	return ProductFolder{Name: folderName(name, names), Files: map[string][]byte{"product.yaml": []byte(b.String())}}
}

// document is a product of an API that is not on API Gateway.
func document(doc documented, names map[string]bool) ProductFolder {
	name := "openapi" + path.Ext(doc.file.Key)
	var b strings.Builder
	b.WriteString(fileHead)
	writeHead(&b, doc.title, doc.description)
	fmt.Fprintf(&b, "apis:\n  - openapi: %s\n", quoted(name))
	return ProductFolder{Name: folderName(doc.title, names), Files: map[string][]byte{"product.yaml": []byte(b.String()), name: doc.file.Body}}
}

func writeHead(b *strings.Builder, name, description string) {
	fmt.Fprintf(b, "name: %s\n", quoted(name))
	if description != "" {
		fmt.Fprintf(b, "description: %s\n", quoted(description))
	}
	b.WriteString("visibility: signed-in\n")
}

// quoted writes a text as JSON, which is YAML, too.
func quoted(text string) string {
	body, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(body)
}

// folderName makes a new name of lower-case letters, digits and hyphens.
func folderName(title string, names map[string]bool) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, title), "-")
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.Trim(cmp.Or(name[:min(len(name), 55)], "api"), "-")
	free := name
	for n := 2; names[free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	names[free] = true
	return free
}
