"""A tiny CLIP with random weights, in a folder as keras-hub writes it."""

SIDE = 32


def write_tiny_clip(folder):
    """Writes model and tokenizer; returns the model."""
    import keras
    import keras_hub

    keras.utils.set_random_seed(1)
    letters = "abcdefghijklmnopqrstuvwxyz,'"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "se", "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    sizes = {"hidden_dim": 16, "num_layers": 1, "num_heads": 2, "intermediate_dim": 32}
    vision = keras_hub.models.CLIPVisionEncoder(patch_size=8, image_shape=(SIDE, SIDE, 3), **sizes)
    text = keras_hub.models.CLIPTextEncoder(vocabulary_size=len(vocabulary), embedding_dim=16, **sizes)
    model = keras_hub.models.CLIPBackbone(vision_encoder=vision, text_encoder=text, projection_dim=12)
    model.save_to_preset(str(folder))
    keras_hub.models.CLIPTokenizer(vocabulary=vocabulary, merges=["s e"]).save_to_preset(str(folder))
    return model
