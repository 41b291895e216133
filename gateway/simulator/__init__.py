"""An SMSC for development, demonstration and tests: `estafette simulator`, or `Simulator` in a program."""

from gateway.simulator.profile import Profile
from gateway.simulator.profile_reading import load_profile, shipped_profiles
from gateway.simulator.smsc import Simulator

__all__ = ["Profile", "Simulator", "load_profile", "shipped_profiles"]
