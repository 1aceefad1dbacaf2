"""Our e-mail checker against another project's, address by address.

python3-email-validator implements the same RFCs independently.  Addresses are
put together from good and bad parts; prints TAP.  Where the two differ on
purpose, the reason is written below.
"""

import ctypes
import inspect
import random
import sys

import email_validator

# They keep names no mail should go to, such as "a.test", out of production;
# whether a domain can get mail is the relay's business, not the form's.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

# From 2.2 on they ask before they count a local part's 64 characters.
STRICT = ({"strict": True} if "strict" in
          inspect.signature(email_validator.validate_email).parameters else {})

LOCALS = [
    "a", "a.b", "a..b", ".a", "a.", "a+b", "o'hara", "A_B-C", "#!$%&*/=?^`{|}~",
    "a b", "a\tb", '"a"', "a(b)", "a,b", "a;b", "a\\b", "a<b", "ü", "日本", "",
    "x" * 64, "x" * 65, "1", "-", "a:b", "a]b", "\x01",
]
LABELS = [
    "example", "ex-ample", "-example", "example-", "ex_ample", "ex$ample", "a",
    "1", "123", "müller", "例え", "faß", "EXAMPLE", "xn--mller-kva", "xn--", "",
    "xn--0", "x" * 63, "x" * 64, "é" * 20, "a b", "٣", "ex\u200dample",
    "example\u00ad", "a--b", "ab--c", "日本語", "straße", "ΣΑΣ", "\u0301a",
]
ENDS = ["com", "co.uk", "de", "テスト", "museum", "123", "c", "", "1a", "a1"]


def load(path):
    library = ctypes.CDLL(path)

    def normalize(text):
        raw = text.encode()
        out = ctypes.create_string_buffer(255)
        fault = ctypes.c_int()
        code = library.ga_email_normalize(
            raw, ctypes.c_size_t(len(raw)), out, ctypes.byref(fault))
        return out.value.decode() if code == 0 else None

    return normalize


def oracle(text):
    try:
        result = email_validator.validate_email(
            text, check_deliverability=False, allow_smtputf8=False, **STRICT)
    except email_validator.EmailNotValidError:
        return None
    return result.ascii_email


def differs_on_purpose(text, ours, theirs):
    # IDNA reserves labels with "--" in the third place, and no registry sells
    # them; below a domain of their own people have such hosts all the same.
    labels = text.rpartition("@")[2].split(".")
    reserved = any(label[2:4] == "--" and label.isascii() for label in labels)
    # A soft hyphen came along with a copied text; UTS 46 drops it, and so do
    # their older versions.
    hyphenated = "\u00ad" in text
    # They refuse a last label that ends in a digit, RFC 3696 one of digits alone.
    return ((reserved or hyphenated or labels[-1][-1:].isdigit())
            and ours is not None and theirs is None)


def addresses(generator, count):
    for _ in range(count):
        labels = [generator.choice(LABELS)
                  for _ in range(generator.choice([0, 1, 1, 1, 2, 3]))]
        yield "%s@%s" % (generator.choice(LOCALS),
                         ".".join(labels + [generator.choice(ENDS)]))


def main():
    normalize = load(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    generator = random.Random(seed)
    different, accepted, count = {}, 0, 20000
    for text in addresses(generator, count):
        ours, theirs = normalize(text), oracle(text)
        accepted += ours is not None
        if ours == theirs or (ours and theirs and ours.lower() == theirs.lower()):
            continue
        if not differs_on_purpose(text, ours, theirs):
            different[text] = (ours, theirs)
    print("# seed %d, %d of %d accepted" % (seed, accepted, count))
    for text, (ours, theirs) in list(different.items())[:40]:
        print("# %r: ours %r, theirs %r" % (text, ours, theirs))
    print("%sok 1 - both checkers say the same of %d addresses"
          % ("not " if different else "", count))
    print("%sok 2 - some are accepted and some refused"
          % ("" if 0 < accepted < count else "not "))
    print("1..2")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
