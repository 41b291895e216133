"""The bind doctor: sends test messages over a carrier account and reads its settings out of what comes back.

`plan.py` says what is sent and why, `examination.py` decides what comes next, `messenger.py` and `line.py`
send it, `recording.py` writes down what happens, `evidence.py` has the values of it, `diagnosis.py` and the
readers beside it make proposals of them, and `fragment.py` writes these as YAML. Reads no database.
"""
