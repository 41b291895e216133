"""What whoever is on call uses: changes of connectors for a while, alerts and how they are told, figures."""
