"""The Qt that this Krita is built with. Not the plugin's own, which a test may leave out."""

from krita import Krita

if Krita.instance().version().startswith("5"):
    from PyQt5 import QtCore, QtGui, QtTest, QtWidgets
else:
    from PyQt6 import QtCore, QtGui, QtTest, QtWidgets

__all__ = ["QtCore", "QtGui", "QtTest", "QtWidgets"]
