"""The Qt that this Krita is built with: PyQt5 in Krita 5, PyQt6 in Krita 6. All of the plugin takes Qt from here.

Enumerations are written with their class (`Qt.AlignmentFlag.AlignLeft`), which both understand.
"""

import sys
from typing import TYPE_CHECKING

import krita

if TYPE_CHECKING or "PyQt6.QtCore" in sys.modules or krita.Krita.instance().version().startswith("6"):
    from PyQt6 import QtCore, QtGui, QtWidgets, sip
else:
    from PyQt5 import QtCore, QtGui, QtWidgets, sip

QByteArray = QtCore.QByteArray
QObject = QtCore.QObject
QTimer = QtCore.QTimer
Qt = QtCore.Qt
Signal = QtCore.pyqtSignal

__all__ = ["QByteArray", "QObject", "QTimer", "Qt", "QtCore", "QtGui", "QtWidgets", "Signal", "sip"]
