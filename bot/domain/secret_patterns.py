"""How keys and passwords look in running text: the patterns that masking uses."""

import re
from typing import Final

KEY: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"sk-[A-Za-z0-9_-]{16,}+"  # OpenAI, Anthropic
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}+"  # Stripe
    r"|whsec_[A-Za-z0-9+/=_-]{16,}+"
    r"|sayso_[A-Za-z0-9_-]{16,}+"
    r"|gh[oprsu]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+|glpat-[A-Za-z0-9_-]{16,}+"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"  # AWS
    r"|xox[a-z]-[A-Za-z0-9-]{10,}+|xapp-[A-Za-z0-9-]{10,}+"  # Slack
    r"|AIza[A-Za-z0-9_-]{35}|hf_[A-Za-z0-9]{30,}+|npm_[A-Za-z0-9]{30,}+|pypi-[A-Za-z0-9_-]{30,}+"
    r"|SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"  # SendGrid
    r"|eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{4,}+\.[A-Za-z0-9_-]*+"  # JSON Web Token
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{20,}+"
    r")"
)
# A quick look for any of these spares most texts the search.
KEY_HINTS: Final = (
    *("sk-", "k_live_", "k_test_", "whsec_", "sayso_", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_"),
    *("glpat-", "AKIA", "ASIA", "xox", "xapp-", "AIza", "hf_", "npm_", "pypi-", "SG.", "eyJ", "Bearer "),
)
USER_IN_URL: Final = re.compile(r"(?<=://)([^\s/:@]{1,100}+):[^\s/@]{1,200}+(?=@)")
PEM_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Header lines and Base64, a run to a line unless it is long: prose behind the first line is no key, and can be read.
_BREAK: Final = r"(?:\s|\\[nrt])"
_PEM_HEADER: Final = r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): ?[A-Za-z0-9,. +/=-]{1,80}+"
_PEM_LAST: Final = r"[A-Za-z0-9+/=]{1,19}+(?=[ \t]*+(?:[\r\n]|\\[nr]|-|\Z))"
PEM_BODY: Final = re.compile(
    rf"{_BREAK}*+(?:{_PEM_HEADER}{_BREAK}++){{0,8}}+"
    rf"(?:(?:[A-Za-z0-9+/=]{{20,}}+|{_PEM_LAST}){_BREAK}*+)*+(?:-{{1,4}}\Z)?+"
)
PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")

PASSWORD_NAMES: Final = (
    *(
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "passwort",
        "kennwort",
        "contraseña",
        "contrasena",
    ),
    *("mot de passe", "senha", "wachtwoord", "hasło", "пароль", "密码", "密碼", "パスワード", "비밀번호"),
    *("api key", "api_key", "api-key", "apikey", "access key", "access_key", "access token", "access_token"),
    *("secret", "pin"),
)
PASSWORD: Final = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(PASSWORD_NAMES)})(?:[ _-]?key)?[\"'*_`]{{0,3}}+"
    r"[ \t]{0,4}+(?:(?P<sure>->|=>|[:=：])|(?:is|was|ist|lautet|est|es|è|to)(?=[ \t:]):?)[ \t*_`]{0,6}+"
    r"(?:\"(?P<quoted>[^\"\n]{1,200})(?=\")|(?P<value>[^\s\"]{1,400}+))(?P<rest>[ \t]*+[^\W\d_]?)",
    re.IGNORECASE,
)
KEY_NAME: Final = re.compile(
    r"(?:^|[_\W]|(?<=[a-z]))(?:password|passwd|passphrase|passcode|pwd|passwort|kennwort|secret"
    r"|(?:api|access|private|secret)[ _-]?key|token|credentials?|cvv|cvc)\Z|(?:^|[_\W])pin\Z",
    re.IGNORECASE,
)
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[.,;:!?)…]*")
_NOT_A_SECRET: Final = re.compile(r"\[|<|\(|https?:|\*+$|•+$", re.IGNORECASE)


def is_secret_value(value: str, *, quoted: bool, stated: bool, rest: str) -> bool:
    """Whether what follows the word "password" is one, or only the next word of a sentence.

    `stated` says that a colon or equals sign came before; `rest` is what follows on the line, up to its
    first letter. "password: click the link" and "password is wrong" are prose; "password: hunter" and
    "password is hunter2" are not.
    """
    if _NOT_A_SECRET.match(value):
        return False
    if quoted:
        return True
    if _PLAIN_WORD.fullmatch(value):
        mixed = value[1:] != value[1:].lower() and value != value.upper()
        return mixed or (stated and not rest.strip() and value[-1] not in ":…")
    if value.isdecimal() and not stated and rest.strip():
        return False  # "your PIN is 4 digits long"
    return any(character.isalnum() for character in value)
