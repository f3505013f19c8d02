package openapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

type builder struct {
	resolver
	warn         *warnings
	doc          *Document
	ids          slugs
	operationIDs map[string]bool
	*schemas
	nothing *node
	bodies  map[*node][]Media
	// parts is how many more operations, parameters and bodies are allowed.
	parts     int
	size      int
	responses map[*node]Response
	security  map[string]SecurityScheme
}

// build makes the model. size is the document's bytes.
func build(root *node, size int, warn *warnings) *Document {
	b := &builder{
		resolver:     resolver{root: root, found: map[string]*node{}},
		warn:         warn,
		ids:          slugs{},
		operationIDs: map[string]bool{},
		responses:    map[*node]Response{},
		bodies:       map[*node][]Media{},
		parts:        maxParts,
		size:         size,
		security:     map[string]SecurityScheme{},
	}
	info := root.get("info")
	b.doc = &Document{
		Title:       cmp.Or(info.str("title"), "Untitled API"),
		Version:     info.str("version"),
		Summary:     info.str("summary"),
		Description: info.str("description"),
		operations:  map[string]*Operation{},
		schemas:     map[string]*Schema{},
	}
	b.schemas = newSchemas(&b.resolver, warn)
	b.components()
	b.paths(root)
	b.schemas.finish()
	b.operationTags(root)
	b.exemplify()
	b.schemas.dropNodes()
	return b.doc
}

func (b *builder) components() {
	components := b.root.get("components")
	for name, n := range components.get("schemas").members {
		b.schemas.name(name, n)
	}
	root := (*place)(nil).to("components", "schemas")
	for name, n := range components.get("schemas").members {
		if s := b.schema(n, root.to(name)); s != nil {
			b.doc.schemas[name] = s
			b.doc.names = append(b.doc.names, name)
		}
	}
	b.doc.Servers = b.servers(b.root.get("servers"), (*place)(nil).to("servers"))
	for name, n := range components.get("securitySchemes").members {
		scheme := securityScheme(name, b.follow(n))
		b.doc.Security = append(b.doc.Security, scheme)
		b.security[name] = scheme
	}
}

func (b *builder) paths(root *node) {
	defaults := root.get("security")
	for path, item := range root.get("paths").members {
		at := (*place)(nil).to("paths", path)
		if !strings.HasPrefix(path, "/") {
			if !strings.HasPrefix(path, "x-") {
				b.warn.add(at, "a path must begin with a slash; it is not shown")
			}
			continue
		}
		if len(path) > maxPath {
			b.warn.add(at, "the path is longer than %d characters; it is not shown", maxPath)
			continue
		}
		for _, op := range b.item(path, item, defaults, at) {
			b.doc.list = append(b.doc.list, op)
			b.doc.operations[op.ID] = op
		}
	}
	for name, item := range root.get("webhooks").members {
		b.doc.Webhooks = append(b.doc.Webhooks, b.item(name, item, defaults, (*place)(nil).to("webhooks", name))...)
	}
}

func (b *builder) item(path string, item *node, defaults *node, at *place) []*Operation {
	resolved := b.follow(item)
	if !resolved.is(objectKind) {
		b.warn.add(at, "this is not a path item; it is not shown")
		return nil
	}
	var ops []*Operation
	for key, n := range resolved.members {
		if !slices.Contains(methods, key) {
			continue
		}
		if !n.is(objectKind) {
			b.warn.add(at.to(key), "this is not an operation; it is not shown")
			continue
		}
		if !b.afford(1+len(resolved.get("parameters").list()), at) {
			break
		}
		ops = append(ops, b.operation(strings.ToUpper(key), path, resolved, n, defaults, at.to(key)))
	}
	return ops
}

func (b *builder) afford(parts int, at *place) bool {
	enough := b.parts >= 0
	if b.parts -= parts; b.parts < 0 && enough {
		b.warn.add(at, "the document has more than %d operations, parameters and bodies; the rest is not shown", maxParts)
	}
	return b.parts >= 0
}

func (b *builder) operation(method, path string, item, n, defaults *node, at *place) *Operation {
	op := &Operation{
		OperationID: n.str("operationId"),
		Method:      method,
		Path:        path,
		Summary:     cmp.Or(n.str("summary"), item.str("summary")),
		Description: cmp.Or(n.str("description"), item.str("description")),
		Deprecated:  n.get("deprecated").true(),
	}
	op.ID = b.ids.take(op.OperationID, method+" "+path, "operation")
	if b.operationIDs[op.OperationID] {
		b.warn.add(at, "the operationId %q is used more than once; give each operation its own", shorten(op.OperationID, 100))
	}
	b.operationIDs[op.OperationID] = op.OperationID != ""
	for _, tag := range n.get("tags").list() {
		if name := tag.string(); name != "" && !slices.Contains(op.Tags, name) && len(op.Tags) < maxChoices {
			op.Tags = append(op.Tags, name)
		}
	}
	op.Parameters = b.parameters(op, item.get("parameters"), n.get("parameters"), at)
	op.Body = b.body(n.get("requestBody"), at.to("requestBody"))
	op.Responses = b.operationResponses(n.get("responses"), at.to("responses"))
	op.Servers = b.servers(n.get("servers"), at)
	if op.Servers == nil {
		op.Servers = b.servers(item.get("servers"), at)
	}
	b.secure(op, cmp.Or(n.get("security"), defaults), at)
	for name, callback := range n.get("callbacks").members {
		for expression, item := range b.follow(callback).members {
			if strings.HasPrefix(expression, "x-") || b.deep(at) {
				continue
			}
			op.Callbacks = append(op.Callbacks, b.item(expression, item, nil, at.to("callbacks", name, expression))...)
		}
	}
	return op
}

// deep reports whether an operation is a callback. Callbacks of callbacks are not shown.
func (b *builder) deep(at *place) bool {
	return at.up != nil && at.up.up != nil && at.up.up.up != nil && at.up.up.up.key == "callbacks"
}

func (b *builder) body(n *node, at *place) *Body {
	if n == nil {
		return nil
	}
	resolved := b.follow(n)
	if !resolved.is(objectKind) {
		b.warn.add(at, "the request body cannot be found; it is not shown")
		return nil
	}
	return &Body{
		Required:    resolved.get("required").true(),
		Description: cmp.Or(n.str("description"), resolved.str("description")),
		Content:     b.content(resolved.get("content"), at),
	}
}

func (b *builder) operationResponses(n *node, at *place) []Response {
	var responses []Response
	for status, r := range n.members {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		response, ok := b.response(r, at.to(status))
		if !ok {
			b.warn.add(at.to(status), "the response cannot be found; it is not shown")
			continue
		}
		response.Status = status
		responses = append(responses, response)
	}
	slices.SortStableFunc(responses, func(a, b Response) int {
		return cmp.Compare(statusRank(a.Status), statusRank(b.Status))
	})
	return responses
}

func statusRank(status string) int {
	if code, err := strconv.Atoi(status); err == nil {
		return 2 * code
	}
	if len(status) == 3 && status[0] >= '1' && status[0] <= '5' {
		return 2*(int(status[0]-'0')*100+99) + 1
	}
	return 1 << 20
}

func (b *builder) response(n *node, at *place) (Response, bool) {
	resolved := b.follow(n)
	if !resolved.is(objectKind) {
		return Response{}, false
	}
	response, ok := b.responses[resolved]
	if !ok {
		response = Response{
			Description: resolved.str("description"),
			Headers:     b.headers(resolved.get("headers"), at),
			Content:     b.content(resolved.get("content"), at),
		}
		b.responses[resolved] = response
	}
	if own := n.str("description"); own != "" {
		response.Description = own
	}
	return response, true
}

func (b *builder) headers(n *node, at *place) []Parameter {
	var headers []Parameter
	for name, h := range n.members {
		resolved := b.follow(h)
		if !resolved.is(objectKind) || strings.EqualFold(name, "content-type") {
			continue
		}
		headers = append(headers, b.parameterOf(name, "header", resolved, at.to("headers", name)))
	}
	return headers
}

func (b *builder) content(n *node, at *place) []Media {
	if known, ok := b.bodies[n]; ok || n == nil {
		return known
	}
	var content []Media
	for mediaType, m := range n.members {
		if !b.afford(1, at) {
			break
		}
		from := b.follow(m)
		schema := b.schema(from.get("schema"), at.to("content", mediaType, "schema"))
		if schema == nil {
			schema = b.schema(b.untyped(), at)
		}
		content = append(content, Media{Type: mediaType, Schema: schema, from: from})
	}
	b.bodies[n] = content
	return content
}

// operationTags groups operations: the document's tags first, then others, then
// operations without a tag.
func (b *builder) operationTags(root *node) {
	at := map[string]int{}
	var tags []Tag
	add := func(name, description string) {
		if _, known := at[name]; !known {
			at[name] = len(tags)
			tags = append(tags, Tag{Name: name, Description: description})
		}
	}
	for _, tag := range root.get("tags").list() {
		if name := tag.str("name"); name != "" {
			add(name, tag.str("description"))
		}
	}
	var untagged []*Operation
	for _, op := range b.doc.list {
		for _, name := range op.Tags {
			add(name, "")
			tags[at[name]].Operations = append(tags[at[name]].Operations, op)
		}
		if len(op.Tags) == 0 {
			untagged = append(untagged, op)
		}
	}
	if untagged != nil {
		tags = append(tags, Tag{Operations: untagged})
	}
	taken := slugs{}
	for _, tag := range tags {
		if len(tag.Operations) > 0 {
			tag.Slug = taken.take(cmp.Or(tag.Name, "other"), "tag")
			b.doc.Tags = append(b.doc.Tags, tag)
		}
	}
}
