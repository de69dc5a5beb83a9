package bot

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	mostColumns  = 8 // columns of a table made of objects
	fewFields    = 6 // fields that are all shown, in their own order, when objects have no more
	mostOpened   = 3 // levels of an object that are looked into
	mostFields   = 200
	longCell     = 60  // characters from which an address of a resource is no use in a table
	mostInOne    = 3   // plain values of a list that share a cell
	leastFilling = 3   // one row of so many must have the field
	mostRows     = 500 // rows that are read at all; of the others only their number is told
)

// field is one member of the objects of a list, by the names that lead to it.
type field struct {
	names []string
	cells []string // one a row, empty where it is missing
	full  int      // rows that have it
	rank  int
	plain bool // a member of the object itself, with no parts
}

// tableOf makes a table of objects: all their fields where these are few, else the telling ones. name is what the list is
// called, "" where that is not known. hidden counts the other fields.
func tableOf(name string, list []value) (t Table, hidden int) {
	t.Total = len(list)
	list = list[:min(len(list), mostRows)]
	fields, parts := fieldsOf(list)
	chosen := fields
	if len(fields) > fewFields || parts > 0 {
		chosen = telling(fields, len(list), name)
	}
	hidden = len(fields) - len(chosen) + parts
	names := titles(chosen)
	for i, f := range chosen {
		t.Columns = append(t.Columns, Column{Name: names[i], Number: f.rank > rankID && figures(f.cells)})
	}
	for row := range list {
		cells := make([]string, len(chosen))
		for i, f := range chosen {
			cells[i] = f.cells[row]
		}
		t.Rows = append(t.Rows, cells)
	}
	return t, hidden
}

// gathering collects fields in the order they are first met.
type gathering struct {
	rows   int
	fields []*field
	known  map[string]*field
	parts  map[string]bool // members whose parts are not looked into
}

func fieldsOf(list []value) (fields []*field, parts int) {
	g := gathering{rows: len(list), known: map[string]*field{}, parts: map[string]bool{}}
	for row, object := range list {
		g.open(row, object, nil)
	}
	for _, f := range g.fields {
		f.rank = rankOf(f.names)
	}
	return g.fields, len(g.parts)
}

func (g *gathering) open(row int, object value, names []string) {
	for i, part := range object.parts {
		g.take(row, part, append(slices.Clone(names), object.keys[i]))
	}
}

// take puts one member into its field. Of a list of objects the first stands for all, with the number of the others.
func (g *gathering) take(row int, v value, names []string) {
	switch {
	case v.kind == 's':
		g.put(row, names, shortened(v.text), len(names) == 1)
	case len(v.parts) == 0:
	case v.kind == '[' && v.parts[0].kind == 's':
		g.put(row, names, listed(v.parts), false)
	case isTags(v):
		if name, ok := tagged(v); ok {
			g.put(row, []string{"Name"}, name, false)
		}
		g.parts[strings.Join(names, ".")] = true
	case len(names) >= mostOpened:
		g.parts[strings.Join(names, ".")] = true
	case v.kind == '[' && v.objects():
		g.open(row, v.parts[0], names)
		if len(v.parts) > 1 {
			g.parts[strings.Join(names, ".")] = true
		}
	case v.kind == '{':
		g.open(row, v, names)
	}
}

func (g *gathering) put(row int, names []string, cell string, plain bool) {
	key := strings.Join(names, ".")
	f := g.known[key]
	if f == nil {
		if len(g.fields) == mostFields {
			g.parts[key] = true
			return
		}
		f = &field{names: names, cells: make([]string, g.rows), plain: plain}
		g.known[key] = f
		g.fields = append(g.fields, f)
	}
	if cell != "" && f.cells[row] == "" {
		f.cells[row] = cell
		f.full++
	}
}

func listed(parts []value) string {
	var words []string
	for i, p := range parts {
		if i == mostInOne {
			return strings.Join(words, ", ") + ", +" + strconv.Itoa(len(parts)-i)
		}
		words = append(words, shortened(p.text))
	}
	return strings.Join(words, ", ")
}

// isTags tells a list of {Key, Value} pairs, as AWS writes tags.
func isTags(v value) bool {
	if !v.objects() {
		return false
	}
	_, key := v.parts[0].member("Key")
	_, val := v.parts[0].member("Value")
	return key && val && len(v.parts[0].parts) <= 3
}

func tagged(v value) (string, bool) {
	for _, p := range v.parts {
		key, _ := p.member("Key")
		if name, ok := p.member("Value"); ok && strings.EqualFold(key.text, "name") && name.text != "" {
			return name.text, true
		}
	}
	return "", false
}

// resource is an address Google's CLI gives instead of a name.
var resource = regexp.MustCompile(`^https://[a-z.-]*googleapis\.com/`)

func shortened(text string) string {
	if resource.MatchString(text) {
		return path.Base(text)
	}
	return text
}

// The ranks of fields: what people look for first comes first.
const (
	rankName = iota
	rankID
	rankState
	rankType
	rankPlace
	rankAddress
	rankGroup
	rankTime
	rankSize
	rankOther
)

// ranks says what a field is by the last word of its name, or by the whole name.
var ranks = map[string]int{
	"name": rankName, "names": rankName, "hostname": rankName, "title": rankName, "label": rankName,
	"id": rankID, "identifier": rankID, "key": rankID, "uuid": rankID,
	"state": rankState, "status": rankState, "phase": rankState, "health": rankState, "enabled": rankState, "online": rankState,
	"type": rankType, "class": rankType, "engine": rankType, "version": rankType, "kind": rankType, "os": rankType, "runtime": rankType, "tier": rankType, "sku": rankType,
	"zone": rankPlace, "region": rankPlace, "location": rankPlace, "locations": rankPlace,
	"ip": rankAddress, "ips": rankAddress, "address": rankAddress, "addresses": rankAddress, "endpoint": rankAddress, "port": rankAddress, "cidr": rankAddress, "range": rankAddress,
	"project": rankGroup, "account": rankGroup, "group": rankGroup, "cluster": rankGroup, "owner": rankGroup, "namespace": rankGroup,
	"date": rankTime, "time": rankTime, "timestamp": rankTime, "created": rankTime, "at": rankTime, "seen": rankTime, "expires": rankTime,
	"size": rankSize, "gb": rankSize, "count": rankSize, "capacity": rankSize, "amount": rankSize, "total": rankSize, "memory": rankSize, "cpus": rankSize,
}

// general are names that only tell what they mean together with the one before.
var general = map[string]bool{"name": true, "code": true, "value": true, "id": true, "message": true, "reason": true, "key": true,
	"type": true, "kind": true, "version": true}

func rankOf(names []string) int {
	last := len(names) - 1
	words := wordsOf(names[last])
	if last > 0 && len(words) == 1 && general[words[0]] {
		if rank := rankOf(names[:last]); rank > rankID && words[0] == "name" {
			return rank
		}
		return rankOther
	}
	rank, known := ranks[words[len(words)-1]]
	if !known {
		return rankOther
	}
	if last > 0 && rank <= rankID { // the name of a part is not the name of the thing
		return rankOther
	}
	return rank
}

// wordsOf divides a member's name: instanceType, InstanceType, instance_type and instance-type have the same words.
func wordsOf(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, strings.ToLower(word.String()))
			word.Reset()
		}
	}
	before := rune(0)
	letters := []rune(name)
	for i, r := range letters {
		next := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if unicode.IsUpper(r) && (unicode.IsLower(before) || unicode.IsDigit(before) || next && unicode.IsUpper(before)) {
			end()
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
		} else {
			word.WriteRune(r)
		}
		before = r
	}
	if end(); len(words) == 0 {
		return []string{""}
	}
	return words
}

// perRank is how many fields of one rank are shown.
var perRank = map[int]int{rankName: 1, rankID: 1, rankState: 1, rankType: 2, rankPlace: 1, rankAddress: 2, rankGroup: 1, rankTime: 1, rankSize: 2, rankOther: mostColumns}

// telling chooses the fields people look for, in the order they do. What is only in a few rows, or too long for a
// table, is left out.
func telling(fields []*field, rows int, name string) []*field {
	candidates := slices.DeleteFunc(slices.Clone(fields), func(f *field) bool {
		return f.full*leastFilling < rows || f.rank == rankOther && !f.plain || f.rank > rankName && longest(f.cells) > longCell || f.constant()
	})
	slices.SortStableFunc(candidates, func(a, b *field) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.depth(), b.depth()), cmp.Compare(a.strange(name), b.strange(name)))
	})
	var chosen []*field
	taken := map[int]int{}
	for _, f := range candidates {
		if taken[f.rank] == perRank[f.rank] || len(chosen) == mostColumns || repeats(chosen, f) {
			continue
		}
		taken[f.rank]++
		chosen = append(chosen, f)
	}
	if len(chosen) == 0 {
		return fields[:min(len(fields), mostColumns)]
	}
	return chosen
}

// constant tells an API's own name for the kind of its objects, such as compute#instance: the same in every row.
func (f *field) constant() bool {
	other := func(c string) bool { return c != f.cells[0] }
	return f.rank == rankType && strings.ContainsAny(f.cells[0], "#/") && !slices.ContainsFunc(f.cells, other)
}

// depth is how far inside a row the field is; state.name is the state.
func (f *field) depth() int {
	if last := len(f.names) - 1; last > 0 && general[strings.ToLower(f.names[last])] {
		return last
	}
	return len(f.names)
}

// strange tells how little a field's name has to do with its row: of Instances, InstanceId is the id and ImageId is
// another thing's.
func (f *field) strange(list string) int {
	words := wordsOf(f.names[len(f.names)-1])
	switch {
	case words[0] == "provisioning": // that it was set up says little about how it is
		return 3
	case len(words) == 1:
		return 0
	case list != "" && strings.HasPrefix(strings.Join(wordsOf(list), ""), strings.Join(words[:len(words)-1], "")):
		return 1
	}
	return 2
}

// repeats tells whether a field says in every row what one that is chosen says already.
func repeats(chosen []*field, f *field) bool {
	return slices.ContainsFunc(chosen, func(c *field) bool { return c.full == f.full && slices.Equal(c.cells, f.cells) })
}

func longest(cells []string) (n int) {
	for _, c := range cells {
		n = max(n, len(c))
	}
	return n
}

// titles gives each column the shortest name that no other has.
func titles(fields []*field) []string {
	names := make([]string, len(fields))
	times := map[string]int{}
	for i, f := range fields {
		names[i] = f.names[len(f.names)-1]
		if len(f.names) > 1 && general[strings.ToLower(names[i])] {
			names[i] = f.names[len(f.names)-2]
		}
		times[names[i]]++
	}
	for i, f := range fields {
		if times[names[i]] > 1 {
			names[i] = strings.Join(f.names, ".")
		}
	}
	return names
}

var figure = regexp.MustCompile(`^[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?( ?(%|[KMGTP]i?B?|B|ms|s))?$`)

// figures tells whether every cell that says something is a figure.
func figures(cells []string) bool {
	some := false
	for _, c := range cells {
		if c == "" {
			continue
		}
		if !figure.MatchString(c) {
			return false
		}
		some = true
	}
	return some
}
