"""Which part of a face each place of a picture is: hair, skin, lips, eyes, mouth, or none of them."""
