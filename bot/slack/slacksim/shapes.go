package slacksim

// identified is the shape with the fields every block or interactive element has.
func identified(id string, required []string, fields map[string]check) shape {
	fields[id] = text1(255)
	return shape{required: required, fields: fields}
}

// blockShape is what Slack allows in a block of that type.
func blockShape(kind string) (shape, bool) {
	element := kinds(elementShape)
	either := func(limit int) check { return textObject(limit, "plain_text", "mrkdwn") }
	plain := func(limit int) check { return textObject(limit, "plain_text") }
	switch kind {
	case "section":
		return identified("block_id", nil, map[string]check{"text": either(3000), "fields": list(1, 10, either(2000)),
			"accessory": element, "expand": boolean}), true
	case "header":
		return identified("block_id", []string{"text"}, map[string]check{"text": plain(150)}), true
	case "divider":
		return identified("block_id", nil, map[string]check{}), true
	case "context":
		return identified("block_id", []string{"elements"}, map[string]check{"elements": list(1, 10, contextElement)}), true
	case "actions":
		return identified("block_id", []string{"elements"}, map[string]check{"elements": list(1, 25, element)}), true
	case "context_actions":
		return identified("block_id", []string{"elements"}, map[string]check{
			"elements": list(1, 5, kinds(elementShape, "feedback_buttons", "icon_button"))}), true
	case "markdown":
		return identified("block_id", []string{"text"}, map[string]check{"text": text1(1 << 20)}), true
	case "image":
		return identified("block_id", []string{"image_url", "alt_text"}, map[string]check{"image_url": text1(3000),
			"alt_text": text1(2000), "title": plain(2000)}), true
	case "input":
		return identified("block_id", []string{"label", "element"}, map[string]check{"label": plain(2000), "element": element,
			"hint": plain(2000), "optional": boolean, "dispatch_action": boolean}), true
	case "rich_text":
		return identified("block_id", []string{"elements"}, map[string]check{"elements": list(0, 1000, kinds(richShape))}), true
	case "table":
		return identified("block_id", []string{"rows"}, map[string]check{"rows": list(1, 100, list(1, 20, kinds(cellShape))),
			"column_settings": list(0, 20, an(shape{fields: map[string]check{"align": oneOf("left", "center", "right"), "is_wrapped": boolean}}))}), true //nolint:misspell // Slack's own word
	}
	return agentBlockShape(kind)
}

// agentBlockShape is what Slack allows in the blocks that came with agents.
func agentBlockShape(kind string) (shape, bool) {
	switch kind {
	case "task_card":
		return identified("block_id", []string{"task_id", "title"}, map[string]check{"task_id": text1(255), "title": text1(256), "status": taskStatus,
			"details": kinds(blockShape, "rich_text"), "output": kinds(blockShape, "rich_text"), "sources": list(0, 100, an(sourceShape())),
			"hide_title": boolean}), true
	case "plan":
		return identified("block_id", []string{"title"}, map[string]check{"title": text1(256), "tasks": list(0, 50, kinds(agentBlockShape, "task_card"))}), true
	case "data_table":
		return identified("block_id", []string{"caption", "rows"}, map[string]check{"rows": list(2, 201, list(1, 20, kinds(dataCellShape))), "caption": text1(256),
			"page_size": number, "row_header_column_index": number}), true
	case "alert":
		return identified("block_id", []string{"text"}, map[string]check{"text": textObject(200, "plain_text", "mrkdwn"),
			"level": oneOf("default", "info", "warning", "error", "success")}), true
	}
	return shape{}, false
}

// contextElement allows images and text in a context block.
func contextElement(c *checker, path string, v any) {
	if asObject(v)["type"] == "image" {
		c.object(path, v, shape{required: []string{"image_url", "alt_text"}, fields: map[string]check{
			"image_url": text1(3000), "alt_text": text1(2000)}})
		return
	}
	textObject(3000, "plain_text", "mrkdwn")(c, path, v)
}

// elementShape is what Slack allows in an interactive element of that type.
func elementShape(kind string) (shape, bool) {
	plain := func(limit int) check { return textObject(limit, "plain_text") }
	options := list(1, 100, an(optionShape()))
	switch kind {
	case "button":
		return identified("action_id", []string{"text"}, map[string]check{"text": plain(75), "value": text1(2000), "url": text1(3000),
			"style": oneOf("primary", "danger"), "confirm": an(confirmShape()), "accessibility_label": text1(75),
			"visible_to_user_ids": list(0, 200, text1(255))}), true
	case "static_select":
		return identified("action_id", []string{"options"}, map[string]check{"options": options, "placeholder": plain(150),
			"initial_option": an(optionShape()), "confirm": an(confirmShape()), "focus_on_load": boolean}), true
	case "radio_buttons", "checkboxes":
		return identified("action_id", []string{"options"}, map[string]check{"options": list(1, 10, an(optionShape())),
			"initial_option": an(optionShape()), "initial_options": list(1, 10, an(optionShape())),
			"confirm": an(confirmShape()), "focus_on_load": boolean}), true
	case "overflow":
		return identified("action_id", []string{"options"}, map[string]check{"options": list(1, 5, an(optionShape())),
			"confirm": an(confirmShape())}), true
	case "users_select", "channels_select", "conversations_select":
		return identified("action_id", nil, map[string]check{"placeholder": plain(150), "confirm": an(confirmShape()),
			"initial_user": text1(255), "initial_channel": text1(255), "initial_conversation": text1(255), "focus_on_load": boolean}), true
	case "datepicker":
		return identified("action_id", nil, map[string]check{"placeholder": plain(150), "initial_date": text1(10),
			"confirm": an(confirmShape()), "focus_on_load": boolean}), true
	case "plain_text_input":
		return identified("action_id", nil, map[string]check{"placeholder": plain(150), "initial_value": text0(3000), "multiline": boolean,
			"min_length": number, "max_length": number, "focus_on_load": boolean}), true
	case "feedback_buttons":
		side := an(shape{required: []string{"text", "value"}, fields: map[string]check{"text": plain(75), "value": text1(2000), "accessibility_label": text1(75)}})
		return identified("action_id", []string{"positive_button", "negative_button"}, map[string]check{"positive_button": side, "negative_button": side}), true
	case "icon_button":
		return identified("action_id", []string{"icon", "text"}, map[string]check{"icon": oneOf("trash"), "text": plain(75), "value": text1(2000),
			"confirm": an(confirmShape()), "accessibility_label": text1(75), "visible_to_user_ids": list(0, 200, text1(255))}), true
	}
	return shape{}, false
}

func optionShape() shape {
	return shape{required: []string{"text", "value"}, fields: map[string]check{"text": textObject(75, "plain_text", "mrkdwn"),
		"value": text1(150), "description": textObject(75, "plain_text", "mrkdwn"), "url": text1(3000)}}
}

func confirmShape() shape {
	return shape{required: []string{"title", "text", "confirm", "deny"}, fields: map[string]check{
		"title": textObject(100, "plain_text"), "text": textObject(300, "plain_text", "mrkdwn"),
		"confirm": textObject(30, "plain_text"), "deny": textObject(30, "plain_text"), "style": oneOf("primary", "danger")}}
}

// richShape is what Slack allows at the top of a rich_text block.
func richShape(kind string) (shape, bool) {
	run := list(0, 1000, kinds(runShape))
	switch kind {
	case "rich_text_section":
		return shape{required: []string{"elements"}, fields: map[string]check{"elements": run}}, true
	case "rich_text_preformatted":
		return shape{required: []string{"elements"}, fields: map[string]check{"elements": list(0, 1000, kinds(runShape, "text", "link")),
			"border": number, "language": text1(50)}}, true
	case "rich_text_quote":
		return shape{required: []string{"elements"}, fields: map[string]check{"elements": run, "border": number}}, true
	case "rich_text_list":
		return shape{required: []string{"style", "elements"}, fields: map[string]check{"style": oneOf("bullet", "ordered"),
			"elements": list(1, 1000, kinds(richShape, "rich_text_section")), "indent": number, "offset": number, "border": number}}, true
	}
	return shape{}, false
}

// runShape is what Slack allows inside a run of rich text.
func runShape(kind string) (shape, bool) {
	style := an(shape{fields: map[string]check{"bold": boolean, "italic": boolean, "strike": boolean, "code": boolean,
		"underline": boolean, "highlight": boolean, "client_highlight": boolean, "unlink": boolean}})
	of := func(required string, fields map[string]check) (shape, bool) {
		fields["style"] = style
		return shape{required: []string{required}, fields: fields}, true
	}
	switch kind {
	case "text":
		return of("text", map[string]check{"text": text1(1 << 20)})
	case "link":
		return of("url", map[string]check{"url": text1(3000), "text": text0(3000), "unsafe": boolean})
	case "user":
		return of("user_id", map[string]check{"user_id": text1(255)})
	case "usergroup":
		return of("usergroup_id", map[string]check{"usergroup_id": text1(255)})
	case "channel":
		return of("channel_id", map[string]check{"channel_id": text1(255)})
	case "broadcast":
		return of("range", map[string]check{"range": oneOf("here", "channel", "everyone")})
	case "emoji":
		return of("name", map[string]check{"name": text1(255), "unicode": text1(255), "skin_tone": number})
	case "date":
		return of("timestamp", map[string]check{"timestamp": number, "format": text1(255), "url": text1(3000), "fallback": text1(255)})
	case "color": //nolint:misspell // Slack's own word
		return of("value", map[string]check{"value": text1(9)})
	}
	return shape{}, false
}

// cellShape is what Slack allows in a cell of a table.
func cellShape(kind string) (shape, bool) {
	switch kind {
	case "raw_text":
		return shape{required: []string{"text"}, fields: map[string]check{"text": text1(3000)}}, true
	case "rich_text":
		return blockShape("rich_text")
	}
	return shape{}, false
}

// dataCellShape is what Slack allows in a cell of a data table, which knows numbers too.
func dataCellShape(kind string) (shape, bool) {
	if kind == "raw_number" {
		return shape{required: []string{"value"}, fields: map[string]check{"value": number, "text": text0(3000)}}, true
	}
	return cellShape(kind)
}
