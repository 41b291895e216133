"""What happens behind a short link: found, followed, counted; and the person who wants no more of them."""
