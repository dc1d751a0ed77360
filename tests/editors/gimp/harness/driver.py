"""Runs inside GIMP, by its Python batch interpreter: executes scenarios that come over a Unix socket, one a line.

A scenario is the source of a function `main(g, …)`; `g` is `Scene`. Its value goes back as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import traceback
from importlib import import_module

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Babl, Gegl, Gimp, Gio, GLib, GObject  # noqa: E402


class Scene:
    """What scenarios need: pictures, layers, pixels, calls."""

    Gimp, Gegl, Babl, Gio, GLib, GObject = Gimp, Gegl, Babl, Gio, GLib, GObject

    def __init__(self):
        self.store = {}

    def open(self, path):
        return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))

    def save(self, image, path):
        assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)

    def new(self, width, height, base="RGB", precision="U8_NON_LINEAR"):
        return Gimp.Image.new_with_precision(
            width, height, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
        )

    def layer(self, image, name, rect, alpha=True, parent=None, position=0, colour=None):
        """A new layer over a rectangle (x, y, width, height); `colour` fills it."""
        kinds = {"RGB": "RGB", "GRAY": "GRAY", "INDEXED": "INDEXED"}
        kind = kinds[image.get_base_type().value_nick.upper()] + ("A_IMAGE" if alpha else "_IMAGE")
        x, y, width, height = rect
        made = Gimp.Layer.new(image, name, width, height, getattr(Gimp.ImageType, kind), 100.0, Gimp.LayerMode.NORMAL)
        image.insert_layer(made, parent, position)
        made.set_offsets(x, y)
        if colour is not None:
            self.paint(made, (0, 0, width, height), "R'G'B'A u8", bytes(colour) * (width * height))
        return made

    def group(self, image, name, parent=None, position=0):
        made = Gimp.GroupLayer.new(image, name)
        image.insert_layer(made, parent, position)
        return made

    def paint(self, drawable, rect, form, data):
        """Write pixels over a rectangle relative to the drawable."""
        buffer = drawable.get_buffer()
        buffer.set(Gegl.Rectangle.new(*rect), form, data)
        buffer.flush()
        del buffer
        drawable.update(*rect)

    def pixels(self, drawable, form="R'G'B'A u8", rect=None):
        """Pixels over a rectangle in the picture's coordinates; by default the whole drawable."""
        _, x, y = drawable.get_offsets()
        rect = rect or (x, y, drawable.get_width(), drawable.get_height())
        where = Gegl.Rectangle.new(rect[0] - x, rect[1] - y, rect[2], rect[3])
        return drawable.get_buffer().get(where, 1.0, form, Gegl.AbyssPolicy.NONE)

    def visible(self, image, form="R'G'B'A u8"):
        """The picture as it is seen."""
        layer = Gimp.Layer.new_from_visible(image, image, "visible")
        data = self.pixels(layer, form, (0, 0, image.get_width(), image.get_height()))
        layer.delete()
        return data

    def noise(self, count):
        """Bytes that look random and are the same each time."""
        out, state = bytearray(), 12345
        for _ in range(count):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            out.append(state >> 16 & 255)
        return bytes(out)

    def select(self, image, rect, feather=0):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *rect)
        if feather:
            Gimp.Selection.feather(image, feather)

    def layers(self, image):
        """Names from the topmost down; those in a group as [group, [names]]."""

        def names(layers):
            return [[one.get_name(), names(one.get_children())] if one.is_group() else one.get_name() for one in layers]

        return names(image.get_layers())

    def call(self, name, image, drawables, mode="NONINTERACTIVE", **arguments):
        """Call a procedure: {"status", "error", "layer", "count"}, the layer as an object."""
        procedure = Gimp.get_pdb().lookup_procedure(name)
        assert procedure is not None, f"{name} is not registered"
        config = procedure.create_config()
        config.set_property("run-mode", getattr(Gimp.RunMode, mode))
        config.set_property("image", image)
        config.set_core_object_array("drawables", drawables)
        for key, value in arguments.items():
            config.set_property(key.replace("_", "-"), value)
        result = procedure.run(config)
        status = result.index(0)
        done = status == Gimp.PDBStatusType.SUCCESS
        return {
            "status": status.value_nick,
            "error": "" if done else Gimp.get_pdb().get_last_error(),
            "layer": result.index(1) if done else None,
            "count": result.index(2) if done else 0,
        }

    def module(self, plugin, name):
        """One of the plug-in's modules, loaded into this process. `plugin`: its folder."""
        if plugin not in sys.path:
            sys.path.insert(0, plugin)
        return import_module(name)

    def dialog(self, operation, plugin, image, layer):
        """An operation's dialog, shown in this process, so that its widgets can be looked at; the caller closes it."""
        described = next(one for one in self.module(plugin, "catalogue").registered() if one["name"] == operation)
        procedure = Gimp.get_pdb().lookup_procedure("scumble-" + operation)
        config = procedure.create_config()
        arguments = import_module("arguments").Arguments(described)
        picture = import_module("edited_picture").EditedPicture(image, layer)
        toolkit = import_module("host").user_interface("test")
        made = import_module("dialog").OperationDialog(procedure, config, arguments, picture, toolkit, 7)
        made.config = config
        made.window.show()
        return made

    def pump(self, condition, seconds=90.0):
        """Let dialogs live until a condition holds; what it gives."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < end, "waited in vain"
            if not GLib.MainContext.default().iteration(False):
                time.sleep(0.005)

    def clear(self):
        """No picture is left."""
        self.store.clear()
        for image in Gimp.get_images():
            for display in list(self.displays):
                if display.is_valid():
                    display.delete()
            if image.is_valid():
                image.delete()
        self.displays.clear()

    displays: list = []  # noqa: RUF012

    def show(self, image):
        display = Gimp.Display.new(image)
        self.displays.append(display)
        return display

    def wait_for(self, condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)


def serve(path):
    """Until a line says to quit."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    connection, _ = server.accept()
    scene = Scene()
    with connection, connection.makefile("rw") as file:
        for line in file:
            request = json.loads(line)
            if request.get("quit"):
                break
            try:
                space = {}
                exec(compile(request["code"], request["file"], "exec"), space)
                answer = {"ok": True, "value": space["main"](scene, **request["arguments"])}
            except BaseException:
                answer = {"ok": False, "error": traceback.format_exc()}
            file.write(json.dumps(answer, default=repr) + "\n")
            file.flush()
    scene.clear()
    server.close()


serve(os.environ["SCUMBLE_DRIVER_SOCKET"])
