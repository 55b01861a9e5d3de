"""Which stack `make ps`, `make open` and `make down` are about; a stand-in for Docker has the stacks."""

import pytest

from support.checkouts import Checkout

pytestmark = pytest.mark.real

# A file in stacks/ is a project of one container, which has its name, and says which folder it belongs to.
DOCKER = """#!/bin/sh
cd "$(dirname "$0")" || exit
name=${COMPOSE_PROJECT_NAME:-$FOLDER_NAME}
echo "$name: $*" >>asked
project=$(printf '%s' "$*" | sed -n 's/.*compose\\.project=\\([^ ]*\\).*/\\1/p')
volume=$(printf '%s' "$*" | sed -n 's/.*compose\\.volume=\\([^ ]*\\).*/\\1/p')
case $* in
"version "*) echo 27.0.0 ;;
"compose version --short") echo "$COMPOSE_VERSION" ;;
"compose version") ;;
"compose ps -aq") [ ! -f "stacks/$name" ] || echo "$name" ;;
"compose ps") echo "the containers of $name" ;;
"compose down "*) rm -f "stacks/$name" ;;
"inspect "*".project\\""*) echo "${*##* }" ;;
"inspect "*".project.working_dir\\""*) cat "stacks/${*##* }" ;;
"ps -a --filter "*"project.working_dir="*) grep -lxF "$CHECKOUT" stacks/* | sed 's/.*\\///' ;;
"ps -aq "*"service=client"*) [ ! -f "stacks/$project" ] || echo "$project" ;;
"port "*" 9200") echo 127.0.0.1:9200 ;;
"network ls "*) ;;
"volume ls "*) [ ! -f "volumes/${project}_$volume" ] || echo "${project}_$volume" ;;
"volume rm "*) shift 2; cd volumes && rm "$@" ;;
"context inspect "*) echo tcp://192.0.2.1:2375 ;;
*) echo "no such thing: $*" >&2; exit 1 ;;
esac
"""


class CheckoutWithStacks(Checkout):
    """One whose Docker knows these stacks."""

    def __init__(self, folder):
        super().__init__(folder, DOCKER)
        for name in ("stacks", "volumes"):
            (self.programs / name).mkdir()

    def has_stack(self, project, of=None):
        (self.programs / "stacks" / project).write_text(f"{of or self.folder.resolve()}\n")
        self.has_volumes(project)

    def has_volumes(self, project):
        for name in ("prometheus", "results"):
            (self.programs / "volumes" / f"{project}_{name}").touch()

    def has_token(self, place, token):
        (self.folder / ".stack" / place).mkdir(parents=True)
        (self.folder / ".stack" / place / "token").write_text(f"{token}\n")

    def make(self, *words, version="2.26.1"):
        return self.run_make(
            *words, CHECKOUT=str(self.folder.resolve()), FOLDER_NAME="lab", COMPOSE_VERSION=version
        )

    def left(self, kind):
        return sorted(path.name for path in (self.programs / kind).iterdir())


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "Lab"
    folder.mkdir()
    return CheckoutWithStacks(folder)


def test_a_stack_of_another_name_is_found_without_it(checkout):
    checkout.has_stack("other")
    assert checkout.make("ps").stdout == "the containers of other\n"


def test_the_page_of_such_a_stack_is_opened_with_its_own_token(checkout):
    checkout.has_stack("other")
    checkout.has_token("other", "its-own")
    checkout.has_token("default", "anothers")
    assert checkout.make("open").stdout == "http://127.0.0.1:9200/#token=its-own\n"


def test_a_token_of_any_signs_comes_whole_to_the_page(checkout):
    checkout.has_stack("other")
    checkout.has_token("other", "a+b&c%d")
    assert checkout.make("open").stdout == "http://127.0.0.1:9200/#token=a%2Bb%26c%25d\n"


def test_down_removes_such_a_stack_with_volumes_and_token_but_for_the_results(checkout):
    checkout.has_stack("other")
    checkout.has_token("other", "its-own")
    done = checkout.make("down")
    assert done.returncode == 0, done.stderr
    assert checkout.left("stacks") == []
    assert checkout.left("volumes") == ["other_results"]
    assert not (checkout.folder / ".stack" / "other").exists()


def test_the_stack_of_the_folders_name_comes_first(checkout):
    checkout.has_stack("lab")
    checkout.has_stack("other")
    assert checkout.make("ps").stdout == "the containers of lab\n"


@pytest.mark.parametrize("chore", ["ps", "open", "down"])
def test_of_several_the_name_is_asked_for_and_nothing_is_done(checkout, chore):
    checkout.has_stack("one")
    checkout.has_stack("two")
    done = checkout.make(chore)
    assert done.returncode != 0
    assert "This checkout has 2 stacks (one, two): say which of them is meant" in done.stderr
    assert checkout.left("stacks") == ["one", "two"]


def test_a_name_that_is_given_is_the_one_that_is_meant(checkout):
    checkout.has_stack("other")
    assert checkout.make("ps", "COMPOSE_PROJECT_NAME=third").stdout == "the containers of third\n"
    assert checkout.make("down", "COMPOSE_PROJECT_NAME=third").returncode == 0
    assert checkout.left("stacks") == ["other"]


def test_the_stack_of_another_checkout_is_not_taken(checkout):
    checkout.has_stack("lab", of="/elsewhere/lab")
    done = checkout.make("down")
    assert done.returncode != 0
    assert "The project name 'lab' belongs to the stack of /elsewhere/lab" in done.stderr
    assert checkout.left("stacks") == ["lab"]


def test_where_another_checkout_has_the_folders_name_this_ones_stack_is_found(checkout):
    checkout.has_stack("lab", of="/elsewhere/lab")
    checkout.has_stack("lab2")
    assert checkout.make("ps").stdout == "the containers of lab2\n"


def test_up_starts_the_project_of_the_folders_name_beside_another(checkout):
    checkout.has_stack("other")
    done = checkout.make("up", "PYTHON_IMAGE=none:1")
    assert "PYTHON_IMAGE=none:1 can't be pulled" in done.stderr
    assert "other:" not in checkout.asked


def test_down_says_that_there_is_nothing(checkout):
    done = checkout.make("down")
    assert (done.returncode, done.stdout) == (0, "There is no stack 'lab' to remove.\n")
    assert "compose down" not in checkout.asked


@pytest.mark.parametrize("version", ["2.26.1", "1.29.2"])
@pytest.mark.parametrize(("given", "project"), [((), "lab"), (("COMPOSE_PROJECT_NAME=my-1",), "my-1")])
def test_down_removes_volumes_that_no_container_is_left_of(checkout, given, project, version):
    checkout.has_volumes(project)
    checkout.has_volumes("another")
    done = checkout.make("down", *given, version=version)
    assert done.returncode == 0, done.stderr
    assert checkout.left("volumes") == ["another_prometheus", "another_results", f"{project}_results"]
