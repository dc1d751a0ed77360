"""The dialog of an operation: presets, what it is given, its parameters. GIMP's own buttons reset and keep them, too."""

from arguments import MASK_TITLE, SEED
from choosers import ItemChooser, items_for
from host import GObject
from presets import PresetBar

from scumble_client.editor.form import decimals, widget
from scumble_client.editor.roles import Source, explain, label, missing, obvious

PARAMETERS = "scumble-parameters"
COLUMN = 340
"""Pixels."""


def ask(procedure, config, arguments, picture, toolkit):
    """Show the dialog; whether it was confirmed. The call's arguments are what was chosen then."""
    gtk, gimp_ui = toolkit
    operation = arguments.operation
    choose_obvious(config, arguments, picture)
    arguments.show_colours(config)
    dialog = gimp_ui.ProcedureDialog.new(procedure, config, f"Scumble: {operation['title']}")
    manual = dialog.get_widget_for_response(gtk.ResponseType.HELP)
    if manual is not None:
        manual.hide()  # GIMP's manual has no page on plug-ins like this one; what there is to say stands in the dialog
        manual.set_no_show_all(True)
    box = dialog.get_content_area()
    box.set_spacing(6)
    box.pack_start(PresetBar(arguments, config, toolkit).widget, False, False, 0)
    box.pack_start(_label(gtk, operation["help"]), False, False, 0)
    status = _label(gtk, "")
    box.pack_start(status, False, False, 0)
    columns = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=18)
    columns.set_border_width(6)
    choosers = [_chooser(gtk, config, arguments, role, picture) for role in arguments.roles]
    if choosers:
        columns.pack_start(_inputs(gtk, dialog, arguments, choosers), True, True, 0)
    parameters = [*arguments.parameters.values(), SEED]
    for parameter in operation["parameters"]:
        _prepare(gtk, dialog, arguments.parameters[parameter["name"]], parameter)
    columns.pack_start(_column(gtk, dialog, PARAMETERS, "Parameters", parameters), True, True, 0)
    box.pack_start(_scrolling(gtk, columns), True, True, 0)
    box.show_all()

    def refresh(*_):
        for chooser in choosers:
            chooser.show()
        chosen = {"image": Source("auto"), **arguments.sources(config, picture, Source("none"))}
        view = picture.view()
        lacking = missing(operation, chosen, view)
        status.set_markup(
            f"<b>{_escaped(lacking)}</b>" if lacking else _escaped(_what_is_read(operation, chosen, view))
        )
        dialog.set_response_sensitive(gtk.ResponseType.OK, not lacking)

    handler = config.connect("notify", refresh)
    refresh()
    confirmed = dialog.run()
    config.disconnect(handler)
    dialog.destroy()
    return confirmed


def choose_obvious(config, arguments, picture):
    """Layers called Sketch, Color, Strokes, Style … are chosen where nothing is."""
    view = picture.view()
    for role in arguments.roles:
        argument = arguments.layers[role["name"]]
        if role["name"] == "mask" or config.get_property(argument) is not None:
            continue
        item = picture.item(obvious(role, view))
        if item is not None and (item.is_layer() or role.get("kind") == "mask"):
            config.set_property(argument, item)


def _chooser(gtk, config, arguments, role, picture):
    mask = role.get("kind") == "mask"
    title = MASK_TITLE if role["name"] == "mask" else label(role)
    items = items_for(picture.image, channels=mask)
    return ItemChooser(gtk, config, arguments.layers[role["name"]], title, role["help"], items)


def _inputs(gtk, dialog, arguments, choosers):
    """For each role its layer, and its file."""
    box = gtk.Box(orientation=gtk.Orientation.VERTICAL, spacing=6)
    box.set_border_width(6)
    for role, chooser in zip(arguments.roles, choosers):
        box.pack_start(chooser.widget, False, False, 0)
        if role["name"] in arguments.files:
            box.pack_start(dialog.get_widget(arguments.files[role["name"]], GObject.TYPE_NONE), False, False, 0)
    frame = gtk.Frame(label="Inputs")
    frame.add(box)
    frame.set_size_request(COLUMN, -1)
    frame.set_valign(gtk.Align.START)
    return frame


def _what_is_read(operation, chosen, view):
    """A sentence on what the operation will work with."""
    names = [role["name"] for role in operation["roles"]]
    said = []
    for role in operation["roles"]:
        source = chosen.get(role["name"], Source("none"))
        if source.kind == "auto":
            source = obvious(role, view, names)
        if role["name"] == "image":
            said.append(f"Reads {explain(source, view)}.")
        elif role["name"] == "mask":
            said.append(f"The mask is {explain(source, view)}." if source.kind != "none" else "Nothing is selected.")
    return " ".join(said)


def _column(gtk, dialog, name, title, arguments):
    dialog.fill_box(name + "-box", arguments)
    dialog.get_label(name + "-title", title, False, False)
    frame = dialog.fill_frame(name, name + "-title", False, name + "-box")
    frame.set_size_request(COLUMN, -1)
    frame.set_valign(gtk.Align.START)
    return frame


def _prepare(gtk, dialog, argument, parameter):
    """A slider for what has few steps; GIMP's own choice for the rest, with as many digits as the default has."""
    if widget(parameter) == "slider":
        dialog.get_spin_scale(argument, 1.0)
    elif parameter["type"] == "number":
        for spin in _spins(gtk, dialog.get_widget(argument, gtk.SpinButton)):
            spin.set_digits(max(spin.get_digits(), decimals(parameter)))


def _spins(gtk, widget):
    """The fields for numbers in a widget."""
    if isinstance(widget, gtk.SpinButton):
        return [widget]
    inner = widget.get_children() if isinstance(widget, gtk.Container) else []
    return [spin for one in inner for spin in _spins(gtk, one)]


def _scrolling(gtk, inner):
    """All of it where the screen is large enough, else as much as fits."""
    window = gtk.ScrolledWindow()
    window.set_policy(gtk.PolicyType.AUTOMATIC, gtk.PolicyType.AUTOMATIC)
    window.set_propagate_natural_height(True)
    window.set_propagate_natural_width(True)
    window.set_max_content_height(640)
    window.add(inner)
    return window


def _label(gtk, text):
    label = gtk.Label(label=text, xalign=0.0)
    label.set_line_wrap(True)
    label.set_max_width_chars(80)
    return label


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
