"""What recipients see: redirects behind short links, the unsubscribe page and the upload page.

An application and a port of their own, for it faces everyone: no cookies, no scripts, nothing loaded from
elsewhere.
"""
